# Dispatch only: what each target does is in cargo, Maven, .ci/ and integration-tests/.
.DEFAULT_GOAL := help
.PHONY: help setup build build-aarch64 check-aarch64 demo test test-spark test-spark-more matrix mavens sbt fresh recall untold interleavings coverage chaos bench bench-quick bench-spark dist dist-check fmt lint docs clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## check for the tools that are needed, and install what is missing where that is possible
	.ci/setup

build: setup ## target/release/libhackleak.so, target/release/hackleak, java/*/target/*.jar
	cargo build --release
	mvn -B -ntp -q -f java/pom.xml package -DskipTests

demo: build ## a JUnit suite on RocksDB with one planted leak, its clean twin, and the report
	integration-tests/projects/demo-rocksdb/run.sh "$${CARGO_TARGET_DIR:-target}/release"

test: setup ## everything: formatting, lints, Rust and Java tests on each JDK, whole projects
	.ci/test

test-spark: build ## jobs on real Spark 3.5 and 4.0, leaking and clean; installs PySpark, 800 MB each, outside of the checkout
	integration-tests/spark/run.py "$${CARGO_TARGET_DIR:-target}/release"

test-spark-more: build ## streaming queries, and the same jobs on several hosts, which are namespaces (needs root, the last line says so)
	integration-tests/spark/streams.py "$${CARGO_TARGET_DIR:-target}/release"
	integration-tests/spark/hosts.py "$${CARGO_TARGET_DIR:-target}/release"

matrix: build ## JDK 11 to 28 on glibc 2.31 to 2.43, each collector; needs root, 4 GB outside of the checkout (ARGS="--only 25", ARGS="--write docs")
	integration-tests/matrix/run.py "$${CARGO_TARGET_DIR:-target}/release" $(ARGS)

build-aarch64: ## target/aarch64/release/libhackleak.so and hackleak; a compiler of Debian's packages, 1.4 GB outside of the checkout
	integration-tests/aarch64/build.py

check-aarch64: ## programs and JVMs for aarch64 under qemu: exact numbers, stacks held against libgcc's (ARGS=forks, ARGS=jvm)
	integration-tests/aarch64/check.py $(ARGS)

mavens: setup ## builds with the Maven plugin on Maven 3.6.3 to 4.0.0-rc-5, on each JDK; 40 MB outside of the checkout (ARGS=3.9.11)
	cargo build --release
	mvn -B -ntp -q -f java/pom.xml install -DskipTests -Dspotless.check.skip
	integration-tests/projects/plugins/mavens.py $(ARGS)

sbt: setup ## the block of docs/sbt.md in a build with sbt, which leaks; 200 MB outside of the checkout
	cargo build --release
	mvn -B -ntp -q -f java/pom.xml install -DskipTests -Dspotless.check.skip
	integration-tests/projects/sbt/run.py $(ARGS)

fresh: ## `make demo` and `make test` from a fresh clone of HEAD with an empty home: no caches, nothing built before
	.ci/fresh

recall: setup ## planted leaks that nothing holds, thousands of them, under each collector and beside 20 threads: all are lost
	cargo test -p integration-tests --test holders -- --ignored --nocapture

untold: setup ## the tests of the JNI boundary and of holders in JVMs that do not tell what HotSpot's do today
	HACKLEAK_TEST_NO_VMSTRUCTS=1 cargo test -p integration-tests --test jni --test holders
	HACKLEAK_TEST_NO_ASGCT=1 cargo test -p integration-tests --test jni --test holders

interleavings: setup ## what works without locks, in 20,000 orders a test, with a fresh seed (SCHEDULES=1000, SEED=1234)
	HACKLEAK_SCHEDULES=$(or $(SCHEDULES),20000) HACKLEAK_SCHEDULES_SEED=$(or $(SEED),$$$$) .ci/interleavings

coverage: ## how many of the recorder's lines its unit tests run, by folder
	.ci/coverage

chaos: setup ## random programs bare and recorded, with fresh seeds (MINUTES=60), or one seed again (SEED=1234)
	cargo run -q -p hackleak-chaos -- $(if $(SEED),--seed $(SEED),--minutes $(or $(MINUTES),5)) $(ARGS)

bench: setup ## what recording costs beside other tools; writes docs/benchmarks.md (about 25 minutes; ARGS="--max-minutes 15")
	cargo run -q -p hackleak-bench -- --scale full --write docs $(ARGS)

bench-quick: setup ## ratios to bare runs, for a developer (about 2 minutes; ARGS="--only rocksdb")
	cargo run -q -p hackleak-bench -- --scale quick $(ARGS)

bench-spark: build ## what the Spark plugin costs: a clean job bare and with it in turn, scopes of 200,000 tasks (ROUNDS=5)
	integration-tests/spark/figures/figures.py "$${CARGO_TARGET_DIR:-target}/release" $(or $(ROUNDS),5)

dist: setup ## target/dist: everything that a release needs, from a clean clone of HEAD (VERSION=0.1.0)
	.ci/dist $(if $(VERSION),--version $(VERSION))

dist-check: setup ## a release made twice and compared, checked as Maven Central does, and used (about 30 minutes)
	.ci/dist-check $(VERSION)

fmt: ## format the Rust and the Java sources
	cargo fmt --all
	mvn -B -ntp -q -f java/pom.xml spotless:apply

lint: ## formatting, clippy, licences
	.ci/lint

docs: ## the pages of docs/ as a site, in target/docs; compiles mdBook the first time, which takes minutes
	.ci/book

clean: ## remove what was built
	cargo clean
	mvn -B -ntp -q -f java/pom.xml clean
