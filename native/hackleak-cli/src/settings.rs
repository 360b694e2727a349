//! `hackleak settings`: whether the settings of a build can be used, asked by the build plugins
//! before any test runs. A setting that cannot must not be found out after the tests, when nothing
//! was recorded or nothing was left out.
//!
//! Each argument is `KEY=VALUE`: an option of the recorder, `format`, `kinds`, or `options` with a
//! whole text of options. What is wrong is a line `POSITION<tab>SENTENCE`, the position counted
//! from 0, so that the plugin can name it as the user wrote it.

use std::path::Path;

use clap::ValueEnum;
use hackleak_options::{Options, parse_pools};
use hackleak_report::Group;
use hackleak_report::baseline::Baseline;
use hackleak_report::known::KnownLeaks;
use hackleak_report::suppress::Suppressions;

use crate::formats::ReportFormat;
use crate::{exit, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to look at
    #[arg(value_name = "KEY=VALUE", allow_hyphen_values = true)]
    settings: Vec<String>,
}

/// Says what is wrong and returns the exit code.
pub(crate) fn settings(arguments: &Args) -> anyhow::Result<u8> {
    let mut text = String::new();
    for (position, setting) in arguments.settings.iter().enumerate() {
        if let Err(wrong) = check(setting) {
            text += &format!("{position}\t{}\n", wrong.replace('\n', " "));
        }
    }
    output::print(&text)?;
    Ok(if text.is_empty() {
        exit::CLEAN
    } else {
        exit::FAILED
    })
}

fn check(setting: &str) -> Result<(), String> {
    match setting.split_once('=') {
        Some(("format", value)) => {
            let known = ReportFormat::from_str(value, false).map(|_| ());
            known.map_err(|_| {
                format!(
                    "`{value}` is no format: use one of {}",
                    crate::formats::names()
                )
            })
        }
        Some(("kinds", value)) => value
            .split('+')
            .try_for_each(|kind| kind.trim().parse::<Group>().map(|_| ())),
        Some(("options", value)) => options(value),
        _ => options(setting),
    }
}

fn options(text: &str) -> Result<(), String> {
    let options: Options = text
        .parse()
        .map_err(|error: hackleak_options::OptionError| error.to_string())?;
    for file in options.suppression_files() {
        let rules = Suppressions::read(file)
            .map_err(|error| format!("cannot read the suppressions `{file}`: {error}"))?;
        if let Some(mistake) = rules.mistakes().first() {
            return Err(mistake.clone());
        }
    }
    for file in options.known_leaks_files() {
        KnownLeaks::read(file).map_err(|error| error.to_string())?;
    }
    if !options.baseline.is_empty() {
        Baseline::read(Path::new(&options.baseline))
            .map_err(|error| output::sentence(&error.into()))?;
    }
    if !options.pools.is_empty() {
        let file = &options.pools;
        let text = hackleak_report::input::text(Path::new(file))
            .map_err(|error| format!("cannot read the pools `{file}`: {error}"))?;
        parse_pools(&text).map_err(|error| format!("`{file}`: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(setting: &str) -> String {
        check(setting).expect_err(setting)
    }

    #[test]
    fn what_can_be_used_passes() {
        for setting in [
            "track=malloc+jni",
            "held=ignore",
            "format=junit-xml",
            "kinds=new+pool",
            "options=depth=10,follow=all",
            "options=",
            "suppressions=",
            "baseline=",
        ] {
            assert_eq!(check(setting), Ok(()), "{setting}");
        }
    }

    #[test]
    fn what_cannot_is_named_with_a_remedy() {
        assert!(wrong("track=mallok").contains("mallok"));
        assert!(wrong("trak=malloc").contains("`trak` is not known: use one of track"));
        assert!(wrong("options=exit=settle,helt=note").contains("`helt`"));
        assert!(wrong("format=htm").starts_with("`htm` is no format: use one of text, json"));
        assert!(wrong("kinds=new+neu").contains("`neu` is no kind"));
        assert!(wrong("no equals sign").contains("has no value"));
    }

    #[test]
    fn a_file_that_is_none_of_its_kind_cannot_be_used() {
        let folder = std::env::temp_dir().join(format!("hackleak-settings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("file");
        let at = file.display();
        for (key, good, bad) in [
            ("suppressions", "# mine\nleak:a\nrace:b\n", "lek:a\n"),
            ("suppressions", "", "leak:\n"),
            (
                "known-leaks",
                "",
                "this is no entry of a list of known leaks\n",
            ),
            ("pools", "alloc=a,free=b\n", "alloc=a\n"),
        ] {
            std::fs::write(&file, good).expect("a file");
            assert_eq!(check(&format!("{key}={at}")), Ok(()), "{key}");
            std::fs::write(&file, bad).expect("a file");
            assert!(wrong(&format!("{key}={at}")).contains("file"), "{key}");
        }
        std::fs::write(&file, "leak:a\n").expect("a file");
        assert!(wrong(&format!("baseline={at}")).contains("baseline"));
        std::fs::write(&file, [0xff, 0xfe, 0]).expect("a file");
        for key in ["suppressions", "known-leaks", "pools", "baseline"] {
            assert!(wrong(&format!("{key}={at}")).contains("UTF-8"), "{key}");
            assert!(
                wrong(&format!("{key}={}", folder.display())).contains("regular file"),
                "{key}"
            );
            assert!(
                wrong(&format!("{key}={at}.missing")).contains("No such file"),
                "{key}"
            );
        }
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
