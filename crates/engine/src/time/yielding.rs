//! Cooperative yielding: long work is split into slices, so that other tasks with something due run in
//! between.

/// Number of items per slice: a fraction of a millisecond's work.
const AT_ONCE: usize = 64;

/// Calls `each` with every item, and yields to the runtime after each slice.
pub(crate) async fn for_each_yielding<T>(
    all: impl IntoIterator<Item = T>,
    mut each: impl FnMut(T),
) {
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
    async fn other_task_runs_after_each_slice() {
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
        let work = for_each_yielding(0..all, |number| {
            assert_eq!(number, done.get(), "in order");
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
