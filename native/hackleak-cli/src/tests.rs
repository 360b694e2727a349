use super::*;
use clap::Command;

/// The most words of a sentence; code counts as one.
const WORDS: usize = 25;

/// What a command says about itself, its arguments and their values, with a name for each text.
fn texts(command: &Command) -> Vec<(String, String)> {
    let name = command.get_name();
    let own = [
        command.get_about(),
        command.get_long_about(),
        command.get_after_help(),
        command.get_after_long_help(),
    ];
    let own = own.into_iter().flatten();
    let mut texts: Vec<_> = own
        .map(|text| (name.to_owned(), text.to_string()))
        .collect();
    for argument in command.get_arguments() {
        let place = format!("{name} {}", argument.get_id());
        let help = [argument.get_help(), argument.get_long_help()];
        let values = argument.get_possible_values();
        let values = values.iter().filter_map(|value| value.get_help());
        let all = help.into_iter().flatten().chain(values);
        texts.extend(all.map(|text| (place.clone(), text.to_string())));
    }
    texts.extend(command.get_subcommands().flat_map(texts_of_visible));
    texts
}

fn texts_of_visible(command: &Command) -> Vec<(String, String)> {
    match command.is_hide_set() {
        true => Vec::new(),
        false => texts(command),
    }
}

/// The sentences of a text: a full stop, a colon or a semicolon ends one, and an empty line does.
fn sentences(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split("\n\n").flat_map(|paragraph| {
        let mut sentences = vec![Vec::new()];
        for word in paragraph.split_whitespace() {
            let last = sentences.len() - 1;
            sentences[last].push(word);
            if word.ends_with(['.', ';', ':', '?']) {
                sentences.push(Vec::new());
            }
        }
        sentences
    })
}

/// Blocks of commands to copy are no sentences.
fn prose(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("  "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_sentence_of_a_help_text_is_long() {
    let all = texts(&Cli::command());
    assert!(all.len() > 100, "{} texts", all.len());
    let mut long = Vec::new();
    for (place, text) in &all {
        for sentence in sentences(&prose(text)).filter(|words| words.len() > WORDS) {
            long.push(format!("{place}: {}", sentence.join(" ")));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn sentences_are_told_apart() {
    let found: Vec<_> = sentences("One two. Three; four\n\nfive")
        .map(|words| words.len())
        .collect();
    assert_eq!(
        found.into_iter().filter(|len| *len > 0).collect::<Vec<_>>(),
        [2, 1, 1, 1]
    );
}
