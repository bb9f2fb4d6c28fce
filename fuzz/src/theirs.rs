//! Panics inside libraries, which the product catches and answers as damage.
//!
//! libFuzzer's own hook ends the run at every panic, before anything can catch it. Here a panic in a file of somebody else's ends it only where nothing
//! catches it; a panic in a file of ours ends it wherever it is.

use std::backtrace::Backtrace;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

/// The last panic in a library: its words and where it came from.
static LAST: Mutex<Option<(String, Backtrace)>> = Mutex::new(None);

/// Runs `work`, whose panics in libraries may be caught within it. What nothing in it catches is shown, and ends the process as any finding does.
pub fn answered<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // Shows the panic and ends the process.
        let end = take_hook();
        set_hook(Box::new(move |info| {
            if info.location().is_some_and(is_theirs) {
                // Frames are not given names unless they are shown.
                *LAST.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((info.to_string(), Backtrace::force_capture()));
            } else {
                end(info);
            }
        }));
    });
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        if let Some((words, frames)) = &*LAST.lock().unwrap_or_else(PoisonError::into_inner) {
            eprintln!("nothing caught this:\n{words}\n{frames}");
        }
        std::process::abort()
    })
}

/// Whether a source file is from a registry. What the standard library says of its caller's mistakes is said of the caller's file.
fn is_theirs(location: &Location<'_>) -> bool {
    location.file().contains("/registry/src/")
}
