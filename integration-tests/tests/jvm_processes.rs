//! A JVM and the processes around it: only JVMs are recorded, each in its own image.

use integration_tests::Victim;
use integration_tests::java::{Entry, on_each_launcher};

#[test]
fn children_of_a_jvm_that_are_no_jvms_pass_through() {
    on_each_launcher(|jdk, entry| {
        for mechanism in ["POSIX_SPAWN", "VFORK", "FORK"] {
            let option = format!("-Djdk.lang.Process.launchMechanism={mechanism}");
            let commands = ["python3 -c print(6*7)", "sh -c exit", "/bin/echo word"];
            let victim = Victim::new(jdk, "Children");
            let bare = victim.bare(&[&option]).args(commands).run().expect_code(0);
            let run = victim
                .recording(entry, &[&option])
                .args(commands)
                .run()
                .expect_code(0);
            assert!(
                bare.ended.stdout.contains("0: 42\n0: \n0: word\n"),
                "{}",
                bare.ended
            );
            assert_eq!(
                run.ended.stdout, bare.ended.stdout,
                "{mechanism}: {}",
                run.ended
            );
            assert_eq!(run.images().len(), 1, "{mechanism}");
            assert_eq!(run.report_since("start").process().blocks_of(1_999_993), 1);
        }
    });
}

#[test]
fn a_jvm_started_by_a_jvm_has_its_own_image() {
    on_each_launcher(|jdk, entry| {
        let command = format!("{} -version", jdk.tool("java").display());
        let victim = Victim::new(jdk, "Children");
        let run = victim
            .recording(entry, &[])
            .args([&command])
            .run()
            .expect_code(0);
        assert!(
            run.ended.stdout.contains("0: openjdk version"),
            "{}",
            run.ended
        );
        let report = run.report();
        assert_eq!(report.processes.len(), 2, "{report:#?}");
        let planted: u64 = report
            .processes
            .iter()
            .map(|process| process.blocks_of(1_999_993))
            .sum();
        assert_eq!(planted, 1);
    });
}

#[test]
fn a_jvm_that_is_not_recorded_runs_on() {
    on_each_launcher(|jdk, _| {
        let victim = Victim::new(jdk, "PlantedLeak");
        // No recorder at all, one that follows nothing, and one whose options are wrong.
        victim.bare(&[]).args(["leak"]).run().expect_code(0);
        for options in ["follow=none", "colour=red"] {
            let recording = victim.recording(Entry::Preload, &[]).options(options);
            let run = recording.args(["leak"]).run().expect_code(0);
            assert_eq!(run.images().len(), 0);
            let lines = usize::from(options.contains("colour"));
            assert_eq!(run.ended.stderr.lines().count(), lines, "{}", run.ended);
        }
    });
}

#[test]
fn agent_options_use_the_same_codec() {
    on_each_launcher(|jdk, entry| {
        if entry == Entry::Preload {
            return;
        }
        let victim = Victim::new(jdk, "PlantedLeak");
        let library = integration_tests::artefacts::recorder()
            .display()
            .to_string();
        let good = format!("-agentpath:{library}=stacks=native");
        let run = victim
            .recording(Entry::Preload, &[&good])
            .args(["leak"])
            .run()
            .expect_code(0);
        let report = run.report();
        assert_eq!(
            report.process().site_of(1_999_993).java(),
            Vec::<String>::new()
        );

        let bad = format!("-agentpath:{library}=colour=red");
        let run = victim
            .recording(Entry::Preload, &[&bad])
            .args(["leak"])
            .run()
            .expect_code(0);
        let said: Vec<&str> = run
            .ended
            .stderr
            .lines()
            .filter(|line| line.contains("colour"))
            .collect();
        assert_eq!(said.len(), 1, "{}", run.ended);
    });
}
