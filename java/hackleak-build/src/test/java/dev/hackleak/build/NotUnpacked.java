package dev.hackleak.build;

import java.io.IOException;
import java.nio.file.Path;

/** Files that are not there. */
final class NotUnpacked {
  private NotUnpacked() {}

  /** For a user without a copy. */
  static NativeFiles in(Path folder) throws IOException {
    String home = System.getProperty("user.home");
    System.setProperty("user.home", folder.resolve("nobody").toString());
    try {
      return NativeFiles.in(folder.resolve("nowhere"));
    } finally {
      System.setProperty("user.home", home);
    }
  }
}
