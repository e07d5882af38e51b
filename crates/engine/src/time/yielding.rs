//! Slices: much work that nobody waits for, done a little at a time, so that whoever has something due comes
//! to their turn in between.

/// So many at once: a fraction of a millisecond's work.
const AT_ONCE: usize = 64;

/// Does something with each, so many in one turn of the runtime.
pub(crate) async fn in_slices<T>(all: impl IntoIterator<Item = T>, mut each: impl FnMut(T)) {
    for (number, one) in all.into_iter().enumerate() {
        if number > 0 && number % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
        each(one);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn whoever_runs_comes_to_its_turn_after_each_slice() {
        let done = Rc::new(Cell::new(0));
        let seen = Rc::new(RefCell::new(Vec::new()));
        let local = LocalSet::new();
        local.spawn_local({
            let (done, seen) = (done.clone(), seen.clone());
            async move {
                loop {
                    seen.borrow_mut().push(done.get());
                    tokio::task::yield_now().await;
                }
            }
        });
        let all = 10 * AT_ONCE + 5;
        let work = in_slices(0..all, |number| {
            assert_eq!(number, done.get(), "one after the other");
            done.set(number + 1);
        });
        local.run_until(work).await;
        assert_eq!(done.get(), all);
        let seen = seen.borrow();
        let most = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert_eq!(most, Some(AT_ONCE));
        assert!(seen.len() >= 10, "{seen:?}");
    }
}
