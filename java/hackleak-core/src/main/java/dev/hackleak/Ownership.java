package dev.hackleak;

/** Whose leak it is, as far as that is looked at; the numbers are the recorder's. */
enum Ownership {
  /** Everybody's, or that of exactly one scope. */
  ANY,
  /** What a scope owns for sure, with the scopes inside of it. */
  OWNED,
  /** What no closed scope owns for sure. */
  UNOWNED,
  /** What a scope might own: threads that were started in it still run. */
  CLAIMED
}
