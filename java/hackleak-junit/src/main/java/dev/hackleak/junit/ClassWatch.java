package dev.hackleak.junit;

import dev.hackleak.LeakWatch;

/** The watch over all tests of a class; in the store of the class. */
final class ClassWatch {
  final NoLeaksExtension owner;
  final LeakWatch watch;

  ClassWatch(NoLeaksExtension owner, LeakWatch watch) {
    this.owner = owner;
    this.watch = watch;
  }
}
