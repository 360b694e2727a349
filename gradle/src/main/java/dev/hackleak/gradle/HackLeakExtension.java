package dev.hackleak.gradle;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.inject.Inject;
import org.gradle.api.model.ObjectFactory;
import org.gradle.api.provider.Property;

/** {@code hackleak { … }} in a build script. */
public class HackLeakExtension {
  private final Property<Boolean> skip;
  private final Property<Boolean> required;
  private final Property<Boolean> everyTest;
  private final Property<String> track;
  private final Property<String> held;
  private final Property<File> suppressions;
  private final Property<File> baseline;
  private final Property<String> known;
  private final Property<File> knownLeaks;
  private final Property<Boolean> settle;
  private final Property<Long> settleLimitMillis;
  private final Property<Integer> repeat;
  private final Property<Integer> warmup;
  private final Property<Long> allowBytes;
  private final Property<Long> allowBlocks;
  private final Property<String> per;
  private List<String> kinds = new ArrayList<>();
  private List<String> suppress = new ArrayList<>();
  private final Map<String, String> options = new LinkedHashMap<>();
  private List<String> formats = new ArrayList<>(Arrays.asList("json", "html"));

  /** For Gradle. */
  @Inject
  public HackLeakExtension(ObjectFactory objects) {
    skip = objects.property(Boolean.class);
    skip.set(false);
    required = objects.property(Boolean.class);
    required.set(false);
    everyTest = objects.property(Boolean.class);
    everyTest.set(true);
    track = objects.property(String.class);
    held = objects.property(String.class);
    suppressions = objects.property(File.class);
    baseline = objects.property(File.class);
    known = objects.property(String.class);
    knownLeaks = objects.property(File.class);
    settle = objects.property(Boolean.class);
    settleLimitMillis = objects.property(Long.class);
    repeat = objects.property(Integer.class);
    warmup = objects.property(Integer.class);
    allowBytes = objects.property(Long.class);
    allowBlocks = objects.property(Long.class);
    per = objects.property(String.class);
    // Gradle 4 begins with false and zero.
    settle.set((Boolean) null);
    settleLimitMillis.set((Long) null);
    repeat.set((Integer) null);
    warmup.set((Integer) null);
    allowBytes.set((Long) null);
    allowBlocks.set((Long) null);
  }

  /** Whether tests run unrecorded; false by default. */
  public Property<Boolean> getSkip() {
    return skip;
  }

  /** Whether tests fail that cannot be recorded; false by default. */
  public Property<Boolean> getRequired() {
    return required;
  }

  /** Whether every JUnit test is checked, as if it had {@code @NoLeaks}; true by default. */
  public Property<Boolean> getEveryTest() {
    return everyTest;
  }

  /**
   * Which allocations are recorded, as the option {@code track} has it; those that it has by
   * default if this is not set.
   */
  public Property<String> getTrack() {
    return track;
  }

  /**
   * What becomes of memory that is live but held: {@code fail}, {@code note}, which is the default,
   * or {@code ignore}.
   */
  public Property<String> getHeld() {
    return held;
  }

  /** Leaks that are not reported; none by default. */
  public Property<File> getSuppressions() {
    return suppressions;
  }

  /** Leaks that are known already; none by default. */
  public Property<File> getBaseline() {
    return baseline;
  }

  /**
   * Whether known leaks of libraries {@code fail}, or are a {@code note}, as they are by default.
   */
  public Property<String> getKnown() {
    return known;
  }

  /** Known leaks of libraries, besides those that come with HackLeak; none by default. */
  public Property<File> getKnownLeaks() {
    return knownLeaks;
  }

  /** Whether garbage is collected before a leak of a test is reported; true by default. */
  public Property<Boolean> getSettle() {
    return settle;
  }

  /** How long that may take; 5000 by default. */
  public Property<Long> getSettleLimitMillis() {
    return settleLimitMillis;
  }

  /** How many rounds of each test count, 1 to 64; 1 by default. */
  public Property<Integer> getRepeat() {
    return repeat;
  }

  /** How many rounds of each test come before those; none by default. */
  public Property<Integer> getWarmup() {
    return warmup;
  }

  /** How many bytes each site may leak in a test; none by default. */
  public Property<Long> getAllowBytes() {
    return allowBytes;
  }

  /** How many blocks each site may leak in a test; none by default. */
  public Property<Long> getAllowBlocks() {
    return allowBlocks;
  }

  /** What is checked, each {@code test} or each {@code class}; each test by default. */
  public Property<String> getPer() {
    return per;
  }

  /** The kinds that count in a test; all that are tracked by default. */
  public List<String> getKinds() {
    return kinds;
  }

  /** Sets the kinds that count in a test. */
  public void setKinds(List<String> kinds) {
    this.kinds = new ArrayList<>(kinds);
  }

  /** Patterns of leaks that do not count in a test; none by default. */
  public List<String> getSuppress() {
    return suppress;
  }

  /** Sets the patterns of leaks that do not count in a test. */
  public void setSuppress(List<String> suppress) {
    this.suppress = new ArrayList<>(suppress);
  }

  /** Further options of the recorder. */
  public Map<String, String> getOptions() {
    return options;
  }

  /** The formats of the report, as {@code hackleak report --format} has them. */
  public List<String> getFormats() {
    return formats;
  }

  /** Sets the formats of the report; JSON and HTML by default. */
  public void setFormats(List<String> formats) {
    this.formats = new ArrayList<>(formats);
  }
}
