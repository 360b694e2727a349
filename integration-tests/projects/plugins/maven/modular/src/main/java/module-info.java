/** A module, so that Surefire runs the tests on the module path. */
module example.modular {
  exports example;
}
