package dev.hackleak.spark;

import java.util.Map;

/** Bytes and blocks. */
final class Sum {
  long bytes;
  long blocks;

  void add(long moreBytes, long moreBlocks) {
    bytes += moreBytes;
    blocks += moreBlocks;
  }

  void add(Sum more) {
    add(more.bytes, more.blocks);
  }

  void into(Map<String, Object> json) {
    json.put("bytes", bytes);
    json.put("blocks", blocks);
  }

  @Override
  public String toString() {
    return Say.amount(bytes, blocks);
  }
}
