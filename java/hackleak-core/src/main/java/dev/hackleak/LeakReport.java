package dev.hackleak;

import java.io.Serializable;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * What was found to be leaked since a checkpoint.
 *
 * <p>Immutable and safe to share. {@link #toString()} is the report as a reader wants it, one
 * leaking site after the other.
 */
public final class LeakReport implements Serializable {
  private static final long serialVersionUID = 1;

  private final long bytes;
  private final long blocks;
  private final List<LeakSite> sites;
  private final List<String> notes;
  private final String json;
  private final List<String> text;
  private final List<InvalidFree> invalidFrees;
  private final boolean invalidFreesFail;
  private final List<String> blind;
  private final boolean blindFails;
  private final String unseen;
  private final List<String> incomplete;
  private final List<LeakSite> held;
  private final List<LeakSite> known;

  LeakReport(
      long bytes,
      long blocks,
      List<LeakSite> sites,
      List<String> notes,
      String json,
      List<String> text) {
    this(new Draft(bytes, blocks, sites, notes, json, text));
  }

  private LeakReport(Draft draft) {
    bytes = draft.bytes;
    blocks = draft.blocks;
    sites = Immutable.copyOf(draft.sites);
    notes = Immutable.copyOf(draft.notes);
    json = draft.json;
    text = Immutable.copyOf(draft.text);
    invalidFrees = Immutable.copyOf(draft.invalidFrees);
    invalidFreesFail = draft.invalidFreesFail;
    blind = Immutable.copyOf(draft.blind);
    blindFails = draft.blindFails;
    unseen = draft.unseen;
    incomplete = Immutable.copyOf(draft.incomplete);
    held = Immutable.copyOf(draft.held);
    known = Immutable.copyOf(draft.known);
  }

  private Draft draft() {
    Draft draft = new Draft(bytes, blocks, sites, notes, json, text);
    draft.invalidFrees = invalidFrees;
    draft.invalidFreesFail = invalidFreesFail;
    draft.blind = blind;
    draft.blindFails = blindFails;
    draft.unseen = unseen;
    draft.incomplete = incomplete;
    draft.held = held;
    draft.known = known;
    return draft;
  }

  /** True if at least one block leaked. */
  public boolean hasLeaks() {
    return blocks > 0;
  }

  /** Leaked bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Leaked blocks. */
  public long blocks() {
    return blocks;
  }

  /**
   * The leaking sites, the one first that looks most like a leak that goes on: several equal blocks
   * and references, then what leaked once, at last what was made while something was loaded. More
   * than one block may belong to each.
   */
  public List<LeakSite> sites() {
    return sites;
  }

  /**
   * Sites whose blocks are still live but held, and therefore no leaks, and those that were made,
   * even if they are lost, when a library was loaded or a class initialised; empty with {@code
   * held=fail}, which makes leaks of them, and with {@code held=ignore}.
   */
  public List<LeakSite> held() {
    return held;
  }

  /**
   * Sites of known leaks of libraries, which fail nothing; empty with {@code known=fail}, which
   * makes leaks of them. Each has its {@link LeakSite#knownLeak()}.
   */
  public List<LeakSite> known() {
    return known;
  }

  /**
   * What qualifies the figures: events that could not be recorded, libraries under test that are
   * not seen in full, and kinds that were not tracked, whether or not there are leaks.
   */
  public List<String> notes() {
    return notes;
  }

  /** Invalid frees that were made since the checkpoint, most frequent first. */
  public List<InvalidFree> invalidFrees() {
    return invalidFrees;
  }

  /**
   * The libraries under test whose allocations are not seen, or of which that is not known, each
   * with the reason and the remedy; filled whether or not there are leaks. An assertion fails
   * because of them when the recorder was given {@code strict=true}.
   */
  public List<String> blindLibraries() {
    return blind;
  }

  /**
   * Why the record is incomplete, as codes such as {@code dropped} or {@code blind}; empty for a
   * whole one. Leaks that are not among {@link #sites()} are possible then, and the {@link
   * #notes()} say what is missing. An assertion does not fail because of it.
   */
  public List<String> incomplete() {
    return incomplete;
  }

  /**
   * True if an assertion throws this: for leaks, for invalid frees when the recorder was given
   * {@code invalid-frees=fail}, and for blind libraries when it was given {@code strict=true}.
   */
  public boolean fails() {
    return hasLeaks() || invalidFreesFail || blindFails;
  }

  /** The JSON file with this report, if one was written. */
  public Optional<Path> json() {
    return Optional.ofNullable(json).map(Paths::get);
  }

  /** This report with more notes, which its text shows as well. */
  LeakReport withNotes(List<String> more) {
    if (more.isEmpty()) {
      return this;
    }
    List<String> allNotes = new ArrayList<>(notes);
    List<String> allText = new ArrayList<>(text);
    for (String note : more) {
      allNotes.add(note);
      allText.add(LeakText.note(note));
    }
    Draft draft = draft();
    draft.notes = allNotes;
    draft.text = allText;
    return new LeakReport(draft);
  }

  /** This report with what can be done about it, after the first line. */
  LeakReport withAdvice(List<String> advice) {
    List<String> allText = new ArrayList<>(text);
    allText.addAll(Math.min(1, allText.size()), advice);
    Draft draft = draft();
    draft.text = allText;
    return new LeakReport(draft);
  }

  /** This report with the invalid frees of the same checkpoint. */
  LeakReport withInvalidFrees(List<InvalidFree> found, boolean fail) {
    Draft draft = draft();
    draft.invalidFrees = found;
    draft.invalidFreesFail = fail;
    return new LeakReport(draft);
  }

  /** What is to be said once in a JVM about libraries that are not seen in full, or empty. */
  String unseen() {
    return unseen;
  }

  /** This report with that line. */
  LeakReport withUnseen(String line) {
    Draft draft = draft();
    draft.unseen = line;
    return new LeakReport(draft);
  }

  /** This report with the libraries that are not seen, and whether that fails a check. */
  LeakReport withBlind(List<String> libraries, boolean fail) {
    Draft draft = draft();
    draft.blind = libraries;
    draft.blindFails = fail;
    return new LeakReport(draft);
  }

  /** This report of a record that is incomplete for these causes. */
  LeakReport withIncomplete(List<String> causes) {
    Draft draft = draft();
    draft.incomplete = causes;
    return new LeakReport(draft);
  }

  /** This report with the sites that are held. */
  LeakReport withHeld(List<LeakSite> sitesHeld) {
    Draft draft = draft();
    draft.held = sitesHeld;
    return new LeakReport(draft);
  }

  /** This report with the known leaks that fail nothing. */
  LeakReport withKnown(List<LeakSite> sitesKnown) {
    Draft draft = draft();
    draft.known = sitesKnown;
    return new LeakReport(draft);
  }

  @Override
  public String toString() {
    return String.join("\n", text);
  }

  /** What a report is made of, while it is put together. */
  static final class Draft {
    private final long bytes;
    private final long blocks;
    private final List<LeakSite> sites;
    private List<String> notes;
    private final String json;
    private List<String> text;
    private List<InvalidFree> invalidFrees = Collections.emptyList();
    private boolean invalidFreesFail;
    private List<String> blind = Collections.emptyList();
    private boolean blindFails;
    private String unseen = "";
    private List<String> incomplete = Collections.emptyList();
    private List<LeakSite> held = Collections.emptyList();
    private List<LeakSite> known = Collections.emptyList();

    Draft(
        long bytes,
        long blocks,
        List<LeakSite> sites,
        List<String> notes,
        String json,
        List<String> text) {
      this.bytes = bytes;
      this.blocks = blocks;
      this.sites = sites;
      this.notes = notes;
      this.json = json;
      this.text = text;
    }
  }
}
