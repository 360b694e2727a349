package dev.hackleak;

import java.io.Serializable;

/** What the scopes of one name have of a {@linkplain LeakSite site}. Immutable. */
public final class LeakShare implements Serializable {
  private static final long serialVersionUID = 1;

  private final String scope;
  private final long bytes;
  private final long blocks;

  LeakShare(String scope, long bytes, long blocks) {
    this.scope = scope;
    this.bytes = bytes;
    this.blocks = blocks;
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
  public long blocks() {
    return blocks;
  }

  @Override
  public String toString() {
    return scope + ": " + bytes + " bytes in " + blocks + " blocks";
  }
}
