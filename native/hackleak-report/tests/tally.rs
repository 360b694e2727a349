//! What the last line of a build counts.

mod support;

use hackleak_image::layout::Outcome;
use hackleak_report::tally::Tally;
use hackleak_report::{Selection, render};
use support::{nested, report_since};

#[test]
fn tests_are_counted_with_the_sites_that_they_share() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut image = nested();
    image.assertion("StoreTest > a()", 1, Outcome::Failed, 5);
    image.assertion("StoreTest > b()", 2, Outcome::Failed, 5);
    image.assertion("OtherTest > Inner > c(int) > [2] 2", 2, Outcome::Passed, 0);
    image.assertion("OtherTest > d()", 2, Outcome::Error, 0);
    // The program's own checkpoints are no tests.
    image.assertion("mine", 2, Outcome::Passed, 0);
    image.assertion("", 2, Outcome::Passed, 0);
    let path = folder.path().join("4242.hackleak");
    image.write(&path).expect("write");
    // The third is another process's, the fourth is damaged, the fifth of a check that failed no
    // test.
    for (name, since) in [
        ("leaks-4242-1.json", 1),
        ("leaks-4242-2.json", 2),
        ("leaks-42-1.json", 2),
        ("leaks-4242-4.json", 0),
    ] {
        let report = report_since(
            &image,
            Selection {
                since: Some(since),
                ..Selection::default()
            },
        );
        let json = render::json(&report).expect("JSON");
        std::fs::write(folder.path().join(name), json).expect("write");
    }
    std::fs::write(folder.path().join("leaks-4242-3.json"), "{").expect("write");

    let mut tally = Tally::default();
    tally.add(&path).expect("a whole image");
    let counts = (tally.processes, tally.checked, tally.leaked, tally.unknown);
    assert_eq!(counts, (1, 4, 2, 1));
    let classes: Vec<&str> = tally.classes.iter().map(String::as_str).collect();
    assert_eq!(classes, ["OtherTest", "StoreTest", "mine"]);
    let shared = "demo.Store.open0(Native Method) < demo.Store.onEvent(Store.java:41)";
    assert_eq!(tally.sites.get(shared), Some(&2), "{:?}", tally.sites);
    assert!(tally.rows().contains(&format!("\nsite\t2\t{shared}\n")));
    assert!(tally.add(&folder.path().join("leaks-4242-3.json")).is_err());
}
