//! Columns of numbers that change little from row to row, packed into few bytes.
//!
//! Layout: the number of columns (unsigned LEB128), then the columns. A column begins with a byte for the rows in which it
//! has a number (0: none, 1: all, 2: some, followed by a bit per row, lowest first). Its numbers follow, each as the
//! difference from the number before it (the first: from 0) in zigzag LEB128. A difference of 0 is followed by the number
//! of further zeros.

use crate::varint;

/// Largest number of rows.
pub(crate) const ROWS_MAX: usize = 256;
/// Largest number of numbers, missing ones included.
pub(crate) const NUMBERS_MAX: usize = 1 << 20;

const NOWHERE: u8 = 0;
const EVERYWHERE: u8 = 1;
const SOMEWHERE: u8 = 2;

/// A column of numbers, row by row; `None` if a row has no number.
pub(crate) type Column = Vec<Option<i64>>;

/// Packs columns of the same length.
pub(crate) fn write(columns: &[Column]) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint::write(&mut bytes, columns.len() as u128);
    for column in columns {
        let known = column.iter().flatten().count();
        match known {
            0 => bytes.push(NOWHERE),
            _ if known == column.len() => bytes.push(EVERYWHERE),
            _ => {
                bytes.push(SOMEWHERE);
                let bits = |part: &[Option<i64>]| {
                    let bits = part.iter().enumerate();
                    bits.fold(0, |byte, (at, number)| {
                        byte | u8::from(number.is_some()) << at
                    })
                };
                bytes.extend(column.chunks(8).map(bits));
            }
        }
        write_numbers(&mut bytes, column.iter().flatten());
    }
    bytes.shrink_to_fit();
    bytes
}

fn write_numbers<'a>(bytes: &mut Vec<u8>, numbers: impl Iterator<Item = &'a i64>) {
    let (mut before, mut zeros) = (0, 0u64);
    for number in numbers {
        let difference = number.wrapping_sub(before);
        before = *number;
        if difference == 0 {
            zeros += 1;
            continue;
        }
        write_zeros(bytes, &mut zeros);
        varint::write(bytes, zigzag(difference).into());
    }
    write_zeros(bytes, &mut zeros);
}

fn write_zeros(bytes: &mut Vec<u8>, zeros: &mut u64) {
    if let Some(more) = zeros.checked_sub(1) {
        bytes.push(0);
        varint::write(bytes, more.into());
    }
    *zeros = 0;
}

/// Unpacks columns of `rows` rows; `None` if the bytes are invalid or contain another number of rows.
pub(crate) fn read(mut bytes: &[u8], rows: usize) -> Option<Vec<Column>> {
    let count = usize::try_from(varint::read(&mut bytes)?).ok()?;
    let numbers = count.checked_mul(rows)?;
    // A column has a byte or more.
    if rows > ROWS_MAX || numbers > NUMBERS_MAX || count > bytes.len() {
        return None;
    }
    let columns: Option<Vec<Column>> = (0..count).map(|_| read_column(&mut bytes, rows)).collect();
    columns.filter(|_| bytes.is_empty())
}

fn read_column(bytes: &mut &[u8], rows: usize) -> Option<Column> {
    let (&known, rest) = bytes.split_first()?;
    *bytes = rest;
    match known {
        NOWHERE => Some(vec![None; rows]),
        EVERYWHERE => Some(read_numbers(bytes, rows)?.into_iter().map(Some).collect()),
        SOMEWHERE => {
            let (bits, rest) = bytes.split_at_checked(rows.div_ceil(8))?;
            *bytes = rest;
            let is_known = |row: usize| bits[row / 8] >> (row % 8) & 1 == 1;
            let count = (0..rows).filter(|row| is_known(*row)).count();
            let mut numbers = read_numbers(bytes, count)?.into_iter();
            let column = (0..rows).map(|row| is_known(row).then(|| numbers.next()).flatten());
            Some(column.collect())
        }
        _ => None,
    }
}

fn read_numbers(bytes: &mut &[u8], count: usize) -> Option<Vec<i64>> {
    let mut numbers = Vec::with_capacity(count);
    let mut before: i64 = 0;
    while numbers.len() < count {
        let difference = u64::try_from(varint::read(bytes)?).ok()?;
        let mut times = 1;
        if difference == 0 {
            times = usize::try_from(varint::read(bytes)?).ok()?.checked_add(1)?;
        }
        if times > count - numbers.len() {
            return None;
        }
        before = before.wrapping_add(unzigzag(difference));
        numbers.resize(numbers.len() + times, before);
    }
    Some(numbers)
}

/// Maps small numbers of either sign to small numbers without a sign: 0, -1, 1, -2 … to 0, 1, 2, 3 …
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns() -> impl Strategy<Value = (usize, Vec<Column>)> {
        let number = prop_oneof![
            Just(None),
            Just(Some(0)),
            (-3i64..4).prop_map(Some),
            any::<i64>().prop_map(Some)
        ];
        (0usize..40).prop_flat_map(move |rows| {
            let column = prop_oneof![
                prop::collection::vec(number.clone(), rows..=rows),
                prop::collection::vec(any::<i64>().prop_map(Some), rows..=rows),
            ];
            (Just(rows), prop::collection::vec(column, 0..6))
        })
    }

    proptest! {
        #[test]
        fn columns_round_trip((rows, columns) in columns()) {
            prop_assert_eq!(read(&write(&columns), rows), Some(columns));
        }

        #[test]
        fn any_bytes_are_read_or_rejected_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            rows in 0usize..300,
        ) {
            if let Some(columns) = read(&bytes, rows) {
                prop_assert!(columns.iter().all(|column| column.len() == rows));
            }
        }
    }

    #[test]
    fn constant_column_takes_a_few_bytes() {
        let nothing = vec![None; ROWS_MAX];
        let same = vec![Some(1_000_000); ROWS_MAX];
        assert_eq!(write(&[nothing]).len(), 2);
        assert_eq!(write(&[same]).len(), 2 + 3 + 3);
    }

    #[test]
    fn bytes_with_a_wrong_size_are_rejected() {
        let column = write(&[vec![Some(7); 4]]);
        assert!(read(&column, 4).is_some());
        assert_eq!(read(&column, 3), None);
        assert_eq!(read(&column, 5), None);
        assert_eq!(read(&column, ROWS_MAX + 1), None);
        let mut claims = Vec::new();
        varint::write(&mut claims, u128::from(u64::MAX));
        assert_eq!(read(&claims, 1), None);
        assert_eq!(read(&[column, vec![0]].concat(), 4), None);
    }
}
