package dev.hackleak;

/** What a person can do about a JVM that is not recorded, by the reason that the recorder gives. */
final class Remedy {
  private static final String PRELOAD =
      "start the JVM with the environment variable LD_PRELOAD=/path/to/"
          + MappedLibrary.NAME
          + " (IntelliJ, Eclipse: in the run configuration, under environment variables;"
          + " VS Code: java.test.config, env), or run the tests with Maven or Gradle";

  private static final String[][] REMEDIES = {
    {"(in HACKLEAK_OPTIONS)", "correct it in the environment variable HACKLEAK_OPTIONS"},
    {"(in -agentpath)", "correct it in the argument -agentpath of the JVM"},
    {"follow=none", "take follow=none out of HACKLEAK_OPTIONS or of -agentpath"},
    {"(option out)", "name a folder that can be written, as in HACKLEAK_OPTIONS=out=DIR"},
    {"Linux only", "run the tests on Linux on x86-64 to have them checked"},
    {"does not fit this version", "take hackleak-core and the recorder of the same version"},
    {"memory map", "let the process read /proc/self/maps"},
    {"several copies", "name one of them in LD_PRELOAD"},
    {"deleted or replaced", "start the JVM again"},
    {"LD_PRELOAD", "correct LD_PRELOAD as the reason says"},
  };

  private Remedy() {}

  /**
   * The remedy as a sentence without its end.
   *
   * @param loaded whether it is the recorder itself, or its file, that gives the reason
   */
  static String of(String reason, boolean loaded) {
    for (String[] remedy : REMEDIES) {
      if (reason.contains(remedy[0])) {
        return remedy[1];
      }
    }
    return loaded
        ? "change what is named here and start the JVM again; the recorder is loaded already"
        : PRELOAD;
  }

  /** The same in an error message, for somebody who has switched it on before. */
  static String brief(String reason, boolean loaded) {
    String remedy = of(reason, loaded);
    return remedy.equals(PRELOAD)
        ? "start it with LD_PRELOAD=/path/"
            + MappedLibrary.NAME
            + " or as `hackleak run -- java ...`"
        : remedy;
  }
}
