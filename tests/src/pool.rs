//! Stacks that are lent to one test at a time, since a start costs seconds.
//!
//! Invariants: a stack is never in two tests' hands; one whose test failed is not lent again; all are
//! stopped when no test of the file holds one any more.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use crate::stack::{Options, Stack};

/// A stack in one test's hands; it goes back when it is dropped.
#[derive(Debug)]
pub struct PooledStack {
    stack: Option<Stack>,
    pool: Arc<Pool>,
}

type Pool = Mutex<Vec<Stack>>;

impl PooledStack {
    /// A Worker whose clock runs [`LentStack::CLOCK_SPEED`] times as fast, with a gpu-worker that plays
    /// this script.
    pub async fn playing(script: &Value) -> Self {
        let mut lent = Self::borrow().await;
        lent.play(script).await;
        lent
    }

    /// With whatever its last user left behind.
    async fn borrow() -> Self {
        static POOL: Mutex<Weak<Pool>> = Mutex::new(Weak::new());
        let pool = {
            let mut shared = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let pool = Arc::default();
                *shared = Arc::downgrade(&pool);
                pool
            })
        };
        let free = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let stack = if let Some(stack) = free {
            stack
        } else {
            let speed = ("CLOCK_SPEED", Self::CLOCK_SPEED.to_string());
            Stack::start(Options { vars: vec![speed], ..Options::default() }).await
        };
        Self { stack: Some(stack), pool }
    }

    /// Silence is noticed after 1.5 s, the queue gives up after 22.5 s, a render may take 15 s. RunPod
    /// itself takes no execution limit below 5 s, and a render reports every 2 s at most.
    pub const CLOCK_SPEED: u32 = 40;
}

impl Deref for PooledStack {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        self.stack.as_ref().expect("held until it is dropped")
    }
}

impl DerefMut for PooledStack {
    fn deref_mut(&mut self) -> &mut Stack {
        self.stack.as_mut().expect("held until it is dropped")
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Some(stack) = self.stack.take()
        {
            if stack.search_logs().is_err() {
                // Its own drop fails for it, in the test that this happened in.
                drop(stack);
            } else {
                self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(stack);
            }
        }
    }
}
