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
  private final long count;
  private final List<LeakSite> sites;
  private final List<String> notes;
  private final String json;
  private final List<String> text;
  private final List<WrongFree> wrongFrees;
  private final boolean wrongFreesFail;
  private final List<String> blind;
  private final List<String> incomplete;
  private final List<LeakSite> held;
  private final List<LeakSite> known;

  LeakReport(
      long bytes,
      long count,
      List<LeakSite> sites,
      List<String> notes,
      String json,
      List<String> text) {
    this(
        bytes,
        count,
        sites,
        notes,
        json,
        text,
        Collections.emptyList(),
        false,
        none(),
        none(),
        Collections.emptyList(),
        Collections.emptyList());
  }

  private LeakReport(
      long bytes,
      long count,
      List<LeakSite> sites,
      List<String> notes,
      String json,
      List<String> text,
      List<WrongFree> wrongFrees,
      boolean wrongFreesFail,
      List<String> blind,
      List<String> incomplete,
      List<LeakSite> held,
      List<LeakSite> known) {
    this.bytes = bytes;
    this.count = count;
    this.sites = Immutable.copyOf(sites);
    this.notes = Immutable.copyOf(notes);
    this.json = json;
    this.text = Immutable.copyOf(text);
    this.wrongFrees = Immutable.copyOf(wrongFrees);
    this.wrongFreesFail = wrongFreesFail;
    this.blind = Immutable.copyOf(blind);
    this.incomplete = Immutable.copyOf(incomplete);
    this.held = Immutable.copyOf(held);
    this.known = Immutable.copyOf(known);
  }

  private static List<String> none() {
    return Collections.emptyList();
  }

  private static List<LeakSite> noSites() {
    return Collections.emptyList();
  }

  /** True if at least one block leaked. */
  public boolean hasLeaks() {
    return count > 0;
  }

  /** Leaked bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Leaked blocks. */
  public long count() {
    return count;
  }

  /** The leaking sites; more than one block may belong to each. */
  public List<LeakSite> sites() {
    return sites;
  }

  /**
   * Sites whose blocks are still live but held, and therefore no leaks; empty with {@code
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

  /** What qualifies the figures, such as events that could not be recorded; empty is the best. */
  public List<String> notes() {
    return notes;
  }

  /** Wrong frees that were made since the checkpoint, most frequent first. */
  public List<WrongFree> wrongFrees() {
    return wrongFrees;
  }

  /**
   * The libraries under test whose allocations are not seen, each with the reason and the remedy.
   * Filled only when the recorder was given {@code strict=true}.
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
   * True if an assertion throws this: for leaks, for wrong frees when the recorder was given {@code
   * findings=fail}, and for blind libraries when it was given {@code strict=true}.
   */
  public boolean fails() {
    return hasLeaks() || wrongFreesFail || !blind.isEmpty();
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
    return new LeakReport(
        bytes,
        count,
        sites,
        allNotes,
        json,
        allText,
        wrongFrees,
        wrongFreesFail,
        blind,
        incomplete,
        held,
        known);
  }

  /** This report with the wrong frees of the same checkpoint. */
  LeakReport withWrongFrees(List<WrongFree> found, boolean fail) {
    return new LeakReport(
        bytes, count, sites, notes, json, text, found, fail, blind, incomplete, held, known);
  }

  /** This report with the libraries that a strict check fails because of. */
  LeakReport withBlind(List<String> libraries) {
    return new LeakReport(
        bytes,
        count,
        sites,
        notes,
        json,
        text,
        wrongFrees,
        wrongFreesFail,
        libraries,
        incomplete,
        held,
        known);
  }

  /** This report of a record that is incomplete for these causes. */
  LeakReport withIncomplete(List<String> causes) {
    return new LeakReport(
        bytes,
        count,
        sites,
        notes,
        json,
        text,
        wrongFrees,
        wrongFreesFail,
        blind,
        causes,
        held,
        known);
  }

  /** This report with the sites that are held. */
  LeakReport withHeld(List<LeakSite> sitesHeld) {
    return new LeakReport(
        bytes,
        count,
        sites,
        notes,
        json,
        text,
        wrongFrees,
        wrongFreesFail,
        blind,
        incomplete,
        sitesHeld,
        known);
  }

  /** This report with the known leaks that fail nothing. */
  LeakReport withKnown(List<LeakSite> sitesKnown) {
    return new LeakReport(
        bytes,
        count,
        sites,
        notes,
        json,
        text,
        wrongFrees,
        wrongFreesFail,
        blind,
        incomplete,
        held,
        sitesKnown);
  }

  @Override
  public String toString() {
    return String.join("\n", text);
  }
}
