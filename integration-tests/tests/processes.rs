//! Which processes are recorded, and that processes never write into each other's images.

use integration_tests::{Process, Recording, Report, Run, artefacts, cpp, victims};

fn assert_children_stay_out(how: &str, children: usize) {
    let bare = Recording::bare(cpp("forking"))
        .args([how])
        .run()
        .expect_code(0);
    let run = Recording::of(cpp("forking"))
        .args([how])
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stdout, bare.ended.stdout);
    let report = run.report();
    assert_eq!(report.processes.len(), 1 + children, "{report:#?}");
    let parent = leaking(&report, 1_999_993);
    assert_eq!(parent.blocks_of(1_999_993), 3);
    assert_eq!(
        parent.blocks_of(2_999_999),
        0,
        "the child's leaks are in the parent's image"
    );
    assert_eq!(
        parent.blocks_of(1_500_007),
        1,
        "the child freed the parent's block"
    );
    for process in &report.processes {
        process.assert_nothing_lost();
        assert!(process.invalid_frees.is_empty(), "{process:#?}");
        if process.pid != parent.pid {
            assert_eq!(process.blocks_of(2_999_999), 7);
            assert_eq!(process.leaks.blocks, 7, "{process:#?}");
        }
    }
}

#[test]
fn a_forked_child_stays_out_of_the_image() {
    assert_children_stay_out("fork", 1);
}

#[test]
fn a_child_of_fork_without_handlers_stays_out_of_the_image() {
    assert_children_stay_out("_Fork", 1);
}

#[test]
fn a_child_of_the_raw_system_call_stays_out_of_the_image() {
    assert_children_stay_out("clone", 1);
}

#[test]
fn a_fork_while_another_thread_allocates_and_a_fork_in_the_child() {
    assert_children_stay_out("nested", 2);
}

/// The process that leaked blocks of that size.
fn leaking(report: &Report, bytes: u64) -> &Process {
    let mut found = report
        .processes
        .iter()
        .filter(|process| process.blocks_of(bytes) > 0);
    let process = found
        .next()
        .unwrap_or_else(|| panic!("nobody leaked {bytes}: {report:#?}"));
    assert!(
        found.next().is_none(),
        "two processes leaked {bytes}: {report:#?}"
    );
    process
}

fn assert_each_has_its_image(how: &str) {
    let run = Recording::of(cpp("launching"))
        .args([how])
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stdout, "the started program exited with 11\n");
    let report = run.report();
    let (parent, child) = (leaking(&report, 1_999_993), leaking(&report, 2_999_999));
    assert_eq!(parent.blocks_of(1_999_993), 3);
    assert_eq!(child.blocks_of(2_999_999), 5);
    assert_ne!(parent.pid, child.pid);
    assert_eq!(report.processes.len(), 2);
}

#[test]
fn a_vforked_program_has_its_own_image() {
    assert_each_has_its_image("vfork");
}

#[test]
fn a_spawned_program_has_its_own_image() {
    assert_each_has_its_image("spawn");
}

#[test]
fn a_vfork_whose_exec_fails_leaves_the_parent_intact() {
    let run = Recording::of(cpp("launching"))
        .args(["failing"])
        .run()
        .expect_code(0);
    let report = run.report();
    assert_eq!(report.process().blocks_of(1_999_993), 3);
    report.process().assert_nothing_lost();
}

#[test]
fn every_program_of_an_exec_chain_has_its_own_image() {
    let run = Recording::of(cpp("launching"))
        .args(["exec"])
        .run()
        .expect_code(11);
    let report = run.report();
    assert_eq!(report.processes.len(), 3, "{report:#?}");
    for (bytes, blocks) in [(2_500_009, 2), (2_600_011, 4), (2_999_999, 5)] {
        assert_eq!(leaking(&report, bytes).blocks_of(bytes), blocks);
    }
    let pids: Vec<u32> = report.processes.iter().map(|process| process.pid).collect();
    assert!(
        pids.iter().all(|pid| *pid == pids[0]),
        "exec keeps the process id: {pids:?}"
    );
}

#[test]
fn shells_pass_through_unless_all_are_followed() {
    let run = Recording::of("/bin/sh")
        .options("follow=jvm")
        .args(["-c", "exit 3"])
        .run();
    assert_passed_through(&run.expect_code(3));
}

#[test]
fn a_program_that_is_no_jvm_passes_through_by_default() {
    assert_passed_through(&leaks_with_options(""));
    assert_passed_through(&leaks_with_options("follow=jvm"));
}

#[test]
fn nothing_is_recorded_when_nothing_is_followed() {
    assert_passed_through(&leaks_with_options("follow=none"));
}

fn leaks_with_options(options: &str) -> Run {
    Recording::of(cpp("endings"))
        .options(options)
        .args(["return"])
        .run()
        .expect_code(5)
}

fn assert_passed_through(run: &Run) {
    assert_eq!(run.images(), Vec::<std::path::PathBuf>::new());
    assert_eq!(run.ended.stderr, "");
}

#[test]
fn bad_options_are_one_clear_line_and_the_program_runs_on() {
    let cases = [
        ("colour=red", "colour"),
        ("track=banana", "banana"),
        ("follow=everybody", "everybody"),
        ("follow=all,depth=-3", "-3"),
        ("follow=all,depth", "depth"),
        ("stacks=sideways", "sideways"),
        ("follow=all,=x", "option ``"),
    ];
    for (options, culprit) in cases {
        let run = leaks_with_options(options);
        let lines: Vec<&str> = run.ended.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{options}: {}", run.ended);
        assert!(lines[0].contains("hackleak"), "{options}: {}", lines[0]);
        assert!(lines[0].contains(culprit), "{options}: {}", lines[0]);
        assert_eq!(run.images().len(), 0, "{options}: recorded nevertheless");
    }
}

#[test]
fn a_program_that_preloads_nothing_can_be_started_by_a_recorded_one() {
    // `env -i` takes LD_PRELOAD away: the recorder must neither insist nor stumble.
    let victim = cpp("endings");
    let recording = Recording::of("/usr/bin/env")
        .options("follow=all")
        .args(["-i"]);
    let run = recording.arg(victim).arg("return").run().expect_code(5);
    let report = run.report();
    assert!(
        report
            .processes
            .iter()
            .all(|process| process.blocks_of(1_999_993) == 0)
    );
}

#[test]
fn the_recorder_exports_nothing_but_what_it_hooks_and_its_own() {
    let mut command = std::process::Command::new("nm");
    command
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(artefacts::recorder());
    let ended = integration_tests::process::run(&mut command).expect_code(0);
    let names = ended
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next());
    let (operators, others): (Vec<&str>, Vec<&str>) =
        names.partition(|name| name.starts_with("_Zn") || name.starts_with("_Zd"));
    assert_eq!(operators.len(), 20, "{operators:?}");
    // Whatever else is exported shadows the program's own function of that name.
    let own = ["hackleak_", "Java_dev_hackleak_", "JNI_On", "Agent_On"];
    let hooks = others
        .into_iter()
        .filter(|name| !own.iter().any(|prefix| name.starts_with(prefix)));
    let expected = "JNI_CreateJavaVM _Exit __open64_2 __open_2 __openat64_2 __openat_2 __strdup \
                    __strndup _exit accept accept4 aligned_alloc calloc clone close close_range closefrom \
                    creat creat64 dlclose dlmopen dlopen dlsym dup dup2 dup3 epoll_create \
                    epoll_create1 eventfd execl execle execlp execv execve execveat execvp execvpe fanotify_init fcntl fcntl64 fdopen fdopendir fexecve free \
                    free_aligned_sized free_sized getaddrinfo inotify_init inotify_init1 \
                    malloc memalign memfd_create mkostemp mkostemp64 mkostemps mkostemps64 \
                    mkstemp mkstemp64 mkstemps mkstemps64 mmap mmap64 mremap munmap open \
                    open64 open_by_handle_at openat openat64 pidfd_open pipe pipe2 \
                    posix_memalign posix_openpt prctl prlimit prlimit64 pthread_clockjoin_np pthread_create \
                    pthread_detach pthread_join pthread_timedjoin_np pthread_tryjoin_np \
                    pvalloc realloc reallocarray recvmsg setrlimit setrlimit64 shm_open signalfd socket socketpair \
                    strdup strndup syscall thrd_create thrd_detach thrd_join timerfd_create valloc \
                    vfork";
    assert_eq!(
        hooks.collect::<Vec<_>>(),
        expected.split_whitespace().collect::<Vec<_>>()
    );
}

#[test]
fn the_bridge_has_exactly_the_native_methods_of_its_class() {
    let mut command = std::process::Command::new("nm");
    command
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(artefacts::recorder());
    let ended = integration_tests::process::run(&mut command).expect_code(0);
    let mut exported: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter_map(|name| name.strip_prefix("Java_dev_hackleak_NativeBridge_"))
        .collect();
    exported.sort_unstable();
    let source = "java/hackleak-core/src/main/java/dev/hackleak/NativeBridge.java";
    let source = std::fs::read_to_string(integration_tests::workspace::root().join(source))
        .expect("the bridge's source");
    let mut declared: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("static native "))
        .filter_map(|method| method.split('(').next()?.split(' ').next_back())
        .collect();
    declared.sort_unstable();
    assert_eq!(exported, declared);
}

/// The C library's `strdup` and its like take the program's blocks, and so they do here.
#[test]
fn a_program_with_an_allocator_of_its_own_gets_blocks_from_there() {
    for options in ["follow=none", "follow=all", "follow=all,track=new+malloc"] {
        for flags in [&["-O2"][..], &["-O2", "-rdynamic"]] {
            let run = Recording::of(victims::cpp_with("own_allocator", flags))
                .options(options)
                .run();
            assert_eq!(run.ended.code(), 8, "{options} {flags:?}: {}", run.ended);
        }
    }
}

/// Its symbol `malloc` has an address in the program, and what it is called by is no path to it.
#[test]
fn a_program_that_jumps_to_malloc_is_recorded_whatever_it_is_called() {
    let victim = victims::cpp_with("jumping_malloc", &["-O2", "-fno-pic", "-no-pie"]);
    let script = format!("exec -a other '{}'", victim.display());
    let run = Recording::of("/bin/bash")
        .options("follow=all,track=new+malloc")
        .args(["-c", &script])
        .run()
        .expect_code(10);
    assert_eq!(run.ended.stderr, "", "{}", run.ended);
    let report = run.report();
    let blocks: u64 = report
        .processes
        .iter()
        .map(|it| it.blocks_of(1_999_993))
        .sum();
    assert_eq!(blocks, 1);
}

/// Each `dlclose` looks at the modules that are left, of which the other thread unloads one.
#[test]
fn two_threads_unload_libraries_at_once() {
    let plugins = [victims::plugin(64), victims::plugin(4096)];
    for _ in 0..3 {
        let run = Recording::of(cpp("closing_in_threads"))
            .options("follow=all")
            .args(&plugins)
            .args(["3000"])
            .run()
            .expect_code(9);
        assert_eq!(run.report().process().blocks_of(1_999_993), 1);
    }
}

#[test]
fn an_allocator_that_is_preloaded_first_is_said_and_one_that_comes_after_is_recorded() {
    let other = victims::library("other_malloc", "libother_malloc.so", &[]);
    let (other, recorder) = (other.display(), artefacts::recorder().display());
    let record = |preload: String| {
        Recording::of(cpp("malloc_family"))
            .options("follow=all,track=new+malloc")
            .args(["leak"])
            .env("LD_PRELOAD", preload)
    };
    let bare = record(format!("{other} {recorder}")).run().expect_code(0);
    assert_eq!(bare.images().len(), 0);
    let said = format!("hackleak: not recording: the `malloc` of `{other}` comes first");
    assert!(bare.ended.stderr.starts_with(&said), "{}", bare.ended);
    assert!(!bare.ended.stderr.contains("  "), "{}", bare.ended);
    assert_eq!(bare.ended.stderr.lines().count(), 1, "{}", bare.ended);
    let run = record(format!("{recorder} {other}")).run().expect_code(0);
    let report = run.report_since("start");
    assert_eq!(report.process().blocks_of(1_000_001), 1);
}
