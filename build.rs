// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the C header into OUT_DIR and gives the shared library its soname.
//!
//! cbindgen is run once for each file of `src/capi`, so that a noun's constants, types and functions stand together in
//! the header: in the order of `src/capi/mod.rs`, each under the first line of the file's own comment.
//! `tests/rust/header.rs` compares the outcome with the header that is checked in; nothing here writes into the source
//! tree, and nothing asks which machine the build runs on.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/capi");

    let header = header(&root);
    fs::write(out.join("rondel.h"), header).expect("OUT_DIR takes the header");
    name_shared_library();
}

/// The name that programs linked to the shared library will look for: it changes only when the ABI does.
fn name_shared_library() {
    let major = variable("CARGO_PKG_VERSION_MAJOR");
    let link = |argument: String| println!("cargo:rustc-cdylib-link-arg=-Wl,{argument}");
    match variable("CARGO_CFG_TARGET_OS").as_str() {
        "macos" | "ios" | "tvos" | "watchos" | "visionos" => {
            link(format!("-install_name,@rpath/librondel.{major}.dylib"));
        }
        // Android's packages hold unversioned libraries only.
        "android" => link("-soname,librondel.so".to_owned()),
        "linux" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" | "solaris" | "illumos" | "haiku" => {
            link(format!("-soname,librondel.so.{major}"));
        }
        _ => {}
    }
}

fn header(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let mut text = opening();
    for (name, source, path) in nouns(&root.join("src/capi")) {
        let part = part(&source, &path, &config);
        let part = part.trim();
        if !part.is_empty() {
            let title =
                source.lines().find_map(|line| line.strip_prefix("//! ")).unwrap_or(&name).trim_end_matches('.');
            write!(text, "\n/**\n * @defgroup rondel_{name} {title}\n * @{{\n */\n\n{part}\n\n/** @}} */\n").unwrap();
        }
    }
    text + "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
}

/// What `mod.rs` in `folder` names, in its order: each with the text of its source and where that is.
fn nouns(folder: &Path) -> Vec<(String, String, PathBuf)> {
    let map = fs::read_to_string(folder.join("mod.rs")).expect("src/capi/mod.rs is there");
    let names = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';'));
    let mut nouns = Vec::new();
    for name in names {
        let path = folder.join(format!("{name}.rs"));
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        nouns.push((name.to_owned(), source, path));
    }
    nouns
}

/// What one file declares.
fn part(source: &str, path: &Path, config: &cbindgen::Config) -> String {
    let mut config = config.clone();
    // cbindgen leaves out a type that no function of the same file uses, and takes every public constant.
    config.export.include = public(source, &["type", "struct"]).filter(|name| name.starts_with("rondel_")).collect();
    config.export.exclude = public(source, &["const"]).filter(|name| !name.starts_with("RONDEL_")).collect();
    let bindings = cbindgen::Builder::new().with_config(config).with_src(path).generate();
    let bindings = bindings.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut written = Vec::new();
    bindings.write(&mut written);
    let written = String::from_utf8(written).expect("cbindgen writes UTF-8");
    tighten(&widen(&written, source))
}

/// The names that `source` makes public by one of `words`.
fn public<'a>(source: &'a str, words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    source.lines().filter_map(move |line| {
        let (word, rest) = line.trim_start().strip_prefix("pub ")?.split_once(' ')?;
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        words.contains(&word).then(|| name.to_owned())
    })
}

/// Gives the 64-bit constants of `source` their type in C: as a plain number, `5 * RONDEL_SECOND` would be an `int`,
/// and too large for one.
fn widen(written: &str, source: &str) -> String {
    let wide: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("pub const ")?.split_once(": i64 =").map(|(name, _)| name))
        .collect();
    let mut text = String::new();
    for line in written.lines() {
        match line.strip_prefix("#define ").and_then(|define| define.split_once(' ')) {
            // Others, such as INT64_MAX, have their type already.
            Some((name, value)) if wide.contains(name) && value.ends_with(|c: char| c.is_ascii_digit()) => {
                let value = match value.strip_prefix('-') {
                    Some(digits) => format!("(-INT64_C({digits}))"),
                    None => format!("INT64_C({value})"),
                };
                writeln!(text, "#define {name} {value}").unwrap();
            }
            _ => writeln!(text, "{line}").unwrap(),
        }
    }
    text
}

/// Puts a comment of one line on one line, and constants with no longer ones right below each other.
fn tighten(written: &str) -> String {
    let mut text = String::new();
    let mut lines = written.lines();
    while let Some(line) = lines.next() {
        let rest: Vec<&str> = lines.clone().take(2).map(str::trim_start).collect();
        match rest[..] {
            [comment, "*/"] if line.trim_start() == "/**" => {
                let indent = &line[..line.len() - "/**".len()];
                writeln!(text, "{indent}/** {} */", comment.trim_start_matches("* ")).unwrap();
                lines.nth(1);
            }
            _ => writeln!(text, "{line}").unwrap(),
        }
    }
    let mut blocks: Vec<&str> = text.split("\n\n").collect();
    let constant =
        |block: &str| block.starts_with("/** ") && block.lines().nth(1).is_some_and(|l| l.starts_with("#define"));
    let mut tight = blocks.remove(0).to_owned();
    let mut before = tight.clone();
    for block in blocks {
        tight.push_str(if constant(&before) && constant(block) { "\n" } else { "\n\n" });
        tight.push_str(block);
        before = block.to_owned();
    }
    tight
}

fn opening() -> String {
    let version = variable("CARGO_PKG_VERSION");
    let part = |name: &str| variable(&format!("CARGO_PKG_VERSION_{name}"));
    let (major, minor, patch) = (part("MAJOR"), part("MINOR"), part("PATCH"));
    format!(
        r#"/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file rondel.h
 * The C API of Rondel, an event loop with asyncio's vocabulary.
 *
 * Generated from src/capi/ by build.rs: change it there.
 */
#ifndef RONDEL_H
#define RONDEL_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; rondel_version() tells the library's. */
#define RONDEL_VERSION "{version}"
#define RONDEL_VERSION_MAJOR {major}
#define RONDEL_VERSION_MINOR {minor}
#define RONDEL_VERSION_PATCH {patch}

/**
 * In the place of `fn, user_data`: you keep the future, to await, combine, cancel or look at; an await or
 * rondel_release() ends it.
 */
#define RONDEL_FUTURE rondel_keep, NULL

#ifdef __cplusplus
extern "C" {{
#endif
"#
    )
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
