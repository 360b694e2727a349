use super::*;

#[test]
fn text_form_reads_back_as_the_same_options() {
    let text = "track=new,invalid-frees=fail,held=ignore,stacks=native,out=/a b/c,follow=all,depth=12,exit=settle,strict=true,suppressions=x.supp:y.supp,baseline=leaks.json,known-leaks=k.known,preload=no,known=fail,builtin-suppressions=false,redact=true";
    let options: Options = text.parse().expect("valid");
    assert_eq!(options.to_string(), text);
    assert_eq!(options.depth, 12);
    assert_eq!(options.follow, Follow::All);
}

#[test]
fn files_become_absolute_one_by_one() {
    let mut options: Options =
        "suppressions=a.supp:/b.supp,baseline=c.json,known-leaks=d.known:/e.known"
            .parse()
            .expect("valid");
    options.make_files_absolute();
    let here = std::env::current_dir().expect("a working folder");
    let here = here.display();
    assert_eq!(options.suppressions, format!("{here}/a.supp:/b.supp"));
    assert_eq!(options.baseline, format!("{here}/c.json"));
    assert_eq!(options.suppression_files().count(), 2);
    assert_eq!(options.known_leaks, format!("{here}/d.known:/e.known"));

    let mut elsewhere: Options = "out=o,pools=p,log=l-%p".parse().expect("known keys");
    elsewhere.make_paths_absolute();
    let paths = [elsewhere.out, elsewhere.pools, elsewhere.log];
    assert_eq!(
        paths,
        ["o", "p", "l-%p"].map(|name| format!("{here}/{name}"))
    );
    let mut stderr: Options = "log=stderr".parse().expect("a known key");
    stderr.make_paths_absolute();
    assert_eq!(stderr.log, "stderr");

    let mut none = Options::default();
    none.make_files_absolute();
    assert_eq!(none, Options::default());
}

#[test]
fn every_documented_key_is_read_and_its_default_holds() {
    for key in KEYS {
        if key.default.is_empty() {
            continue;
        }
        let options: Options = format!("{}={}", key.name, key.default)
            .parse()
            .expect(key.name);
        assert_eq!(options, Options::default(), "{}", key.name);
    }
}

#[test]
fn the_documentation_lists_every_key_as_it_is() {
    let page = include_str!("../../../../docs/options.md");
    for key in KEYS {
        let quoted = |list: &str| {
            let words: Vec<String> = list.split('|').map(|word| format!("`{word}`")).collect();
            words.join(", ")
        };
        let default = if key.default.is_empty() {
            String::new()
        } else {
            quoted(key.default)
        };
        let row = format!(
            "| `{}` | {} | {default} | {} |",
            key.name,
            quoted(key.values),
            key.meaning.replace("](docs/", "](")
        );
        assert!(page.contains(&row), "docs/options.md lacks the row\n{row}");
    }
    let rows = page
        .split("# Options")
        .nth(1)
        .and_then(|rest| rest.split("## ").next());
    let count = rows
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("| `"))
        .count();
    assert_eq!(
        count,
        KEYS.len(),
        "docs/options.md lists an option that does not exist"
    );
}

#[test]
fn errors_name_the_culprit_and_the_remedy() {
    for (text, culprit, remedy) in [
        ("colour=red", "`colour`", "use one of track, "),
        ("stacks=some", "`stacks=some`", "full, native, java, off"),
        ("track=new+old", "`track=old`", "new, malloc"),
        ("depth=0", "`depth=0`", "1 to 2000"),
        ("depth", "`depth`", "key=value"),
        ("out=", "`out`", "folder"),
        ("findings=fail", "`findings`", "invalid-frees=fail"),
    ] {
        let error = text.parse::<Options>().expect_err(text).to_string();
        assert!(
            error.contains(culprit) && error.contains(remedy),
            "{text}: {error}"
        );
    }
}
