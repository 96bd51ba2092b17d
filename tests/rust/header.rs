// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header that is checked in is the one the sources give.

use std::{env, fs};

const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/rondel.h"));
const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/rondel.h");

#[test]
fn header_is_what_the_sources_give() {
    if env::var_os("RONDEL_UPDATE").is_some() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/include")).unwrap();
        fs::write(CHECKED_IN, GENERATED).unwrap();
        return;
    }
    let checked_in = fs::read_to_string(CHECKED_IN).unwrap_or_default();
    // A checkout on Windows may have turned the line ends.
    let checked_in = checked_in.replace("\r\n", "\n");
    if checked_in == GENERATED {
        return;
    }
    let pairs = checked_in.lines().map(Some).chain(std::iter::repeat(None));
    let at = GENERATED.lines().map(Some).chain([None]).zip(pairs).position(|(new, old)| new != old);
    let at = at.unwrap_or_else(|| GENERATED.lines().count());
    panic!(
        "include/rondel.h is not what src/capi gives; they differ from line {}:\n  \
         checked in: {}\n  generated:  {}\n\
         Run `RONDEL_UPDATE=1 cargo test --test header` to rewrite it, and commit it with the change.",
        at + 1,
        checked_in.lines().nth(at).unwrap_or("(its end)"),
        GENERATED.lines().nth(at).unwrap_or("(its end)"),
    );
}
