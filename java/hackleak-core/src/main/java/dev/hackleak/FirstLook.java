package dev.hackleak;

/**
 * Whether it is worth looking who holds what before garbage is collected. Such a look ends the
 * check where it tells all, and is for nothing where it does not: mostly it is the same in all
 * tests of a suite. So after some looks in a row that were for nothing only some are taken.
 *
 * <p>Safe for use by several threads.
 */
final class FirstLook {
  private static final int IN_A_ROW = 3;
  private static final int ONE_IN = 8;

  private int forNothing;
  private int leftOut;

  /** Whether to take one now. */
  synchronized boolean isWorthTaking() {
    if (forNothing < IN_A_ROW || ++leftOut == ONE_IN) {
      leftOut = 0;
      return true;
    }
    return false;
  }

  /** What the one that was taken has shown. */
  synchronized void took(boolean toldAll) {
    forNothing = toldAll ? 0 : forNothing + 1;
  }
}
