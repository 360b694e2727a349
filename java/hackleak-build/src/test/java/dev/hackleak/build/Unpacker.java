package dev.hackleak.build;

import java.nio.file.Paths;

/** Unpacks into the folder of its argument, once its input has ended, and prints the library. */
final class Unpacker {
  private Unpacker() {}

  public static void main(String[] arguments) throws Exception {
    System.out.println("ready");
    OtherJvm.text(System.in);
    System.out.println(NativeFiles.unpack(Paths.get(arguments[0])).library());
  }
}
