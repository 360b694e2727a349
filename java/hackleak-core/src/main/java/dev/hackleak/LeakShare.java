package dev.hackleak;

import java.io.Serializable;

/** What the scopes of one name have of a {@linkplain LeakSite site}. Immutable. */
public final class LeakShare implements Serializable {
  private static final long serialVersionUID = 1;

  private final String scope;
  private final long bytes;
  private final long count;

  LeakShare(String scope, long bytes, long count) {
    this.scope = scope;
    this.bytes = bytes;
    this.count = count;
  }

  /** The name that {@link HackLeak#scope(String)} was given. */
  public String scope() {
    return scope;
  }

  /** Live bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Live blocks. */
  public long count() {
    return count;
  }

  @Override
  public String toString() {
    return scope + ": " + bytes + " bytes in " + count + " blocks";
  }
}
