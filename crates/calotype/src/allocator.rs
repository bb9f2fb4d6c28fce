//! How memory is shared between threads.
//!
//! glibc gives every thread an arena of its own, and what a codec frees in one is not used by the next. Two arenas hold a quarter less at the peak
//! of eight threads under churn, and less than half when they are done, at the same speed; jemalloc has a higher peak, gives more back, and costs a little
//! time (bench/report/soak.md). Rust's own global allocator would not cover the C codecs, so the limit is set where both take their memory from.

/// Limits glibc to two arenas, unless the operator has said otherwise by `MALLOC_ARENA_MAX`. Call it before any thread is started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn share_arenas() {
    const ARENAS: libc::c_int = 2;
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: mallopt only writes a parameter of the allocator; no other thread runs yet.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, ARENAS);
        }
    }
}

/// Other C libraries share their memory between threads already, or have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn share_arenas() {}
