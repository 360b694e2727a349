package dev.hackleak.spark;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Who sends the image of an executor that was lost: one executor at a time, and not without end.
 * Thread-safe.
 */
final class Claims {
  /** So often an image is tried. */
  static final int TRIES = 3;

  private final long limitNanos;
  private final LongSupplier clock;
  private final Map<String, Claim> claims = new HashMap<>();

  /** What is known of one image. */
  private static final class Claim {
    int tries;
    String from;
    long since;
  }

  /**
   * @param limitNanos for how long an executor may send
   * @param clock in nanoseconds
   */
  Claims(long limitNanos, LongSupplier clock) {
    this.limitNanos = limitNanos;
    this.clock = clock;
  }

  /**
   * Lets an executor send an image.
   *
   * @param executor whose image it is
   * @return why it may not; empty if it may
   */
  synchronized String claim(String executor, String from) {
    Claim claim = claims.computeIfAbsent(executor, any -> new Claim());
    if (isUnderWay(claim)) {
      return "executor " + claim.from + " sends it";
    }
    if (claim.tries >= TRIES) {
      return "it was tried " + TRIES + " times";
    }
    claim.tries++;
    claim.from = from;
    claim.since = clock.getAsLong();
    return "";
  }

  /** An executor sends an image no more: it has come, or it has failed. */
  synchronized void release(String executor, String from) {
    Claim claim = claims.get(executor);
    if (claim != null && from.equals(claim.from)) {
      claim.from = null;
    }
  }

  /** An image has come, or is one that is not taken, whoever sends it. */
  synchronized void close(String executor) {
    Claim claim = claims.computeIfAbsent(executor, any -> new Claim());
    claim.tries = TRIES;
    claim.from = null;
  }

  /** Whether an image may still come. */
  synchronized boolean isOpen(String executor) {
    Claim claim = claims.get(executor);
    return claim == null || claim.tries < TRIES || isUnderWay(claim);
  }

  /** Whether somebody sends one now. */
  synchronized boolean isAnyUnderWay() {
    return claims.values().stream().anyMatch(this::isUnderWay);
  }

  private boolean isUnderWay(Claim claim) {
    return claim.from != null && clock.getAsLong() - claim.since < limitNanos;
  }
}
