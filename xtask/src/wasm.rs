//! `cargo xtask wasm`: builds the plan crate for browsers and writes its bindings.
//!
//! The bindings are made by the library behind the `wasm-bindgen` command, whose version Cargo.lock pins together with that of the crate, so that
//! nothing has to be installed and the two can never disagree.

use std::{env, path::PathBuf, process::Command};

use crate::Outcome;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds and writes `plan.js`, `plan.d.ts` and `plan_bg.wasm`.
pub(crate) fn run() -> Outcome {
    let root = crate::root();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(&root)
        .args([
            "build",
            "--package",
            "calotype-plan-wasm",
            "--lib",
            "--target",
            TARGET,
            "--profile",
            "wasm",
            "--locked",
        ])
        .status()?;
    if !status.success() {
        return Err(format!(
            "building the plan crate for {TARGET} failed; is the target installed (rustup target add {TARGET})?"
        )
        .into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(target.join(TARGET).join("wasm/calotype_plan_wasm.wasm"))
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name("plan")
        .generate(root.join("js/playground/src/plan"))?;
    Ok(())
}
