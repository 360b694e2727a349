package dev.hackleak.build;

import java.nio.file.Paths;

/** Unpacks for a build's folder and a user's, once its input has ended, and prints the library. */
final class Unpacker {
  private Unpacker() {}

  public static void main(String[] arguments) throws Exception {
    System.setProperty("user.home", arguments[1]);
    System.out.println("ready");
    OtherJvm.text(System.in);
    System.out.println(NativeFiles.unpack(Paths.get(arguments[0])).library());
  }
}
