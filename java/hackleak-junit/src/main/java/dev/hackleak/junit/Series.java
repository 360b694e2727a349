package dev.hackleak.junit;

import dev.hackleak.TestSeries;

/** The tests of a class, one after the other; in the store of the class. */
final class Series {
  final NoLeaksExtension owner;
  final TestSeries series;

  Series(NoLeaksExtension owner, TestSeries series) {
    this.owner = owner;
    this.series = series;
  }
}
