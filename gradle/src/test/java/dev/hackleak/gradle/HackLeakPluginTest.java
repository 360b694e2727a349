package dev.hackleak.gradle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hackleak.build.Platform;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.gradle.api.Action;
import org.gradle.api.DefaultTask;
import org.gradle.api.GradleException;
import org.gradle.api.Project;
import org.gradle.api.Task;
import org.gradle.api.artifacts.Dependency;
import org.gradle.api.file.FileCollection;
import org.gradle.api.internal.provider.ProviderInternal;
import org.gradle.api.tasks.testing.Test;
import org.gradle.testfixtures.ProjectBuilder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class HackLeakPluginTest {
  private static final int NEWEST_JAVA = 23;
  private static final Platform LINUX = Platform.of("Linux", "amd64", true);
  private static final Platform MAC = Platform.of("Mac OS X", "aarch64", false);

  @TempDir Path folder;
  private Project project;

  @BeforeAll
  static void gradleRunsOnThisJava() {
    int feature = Runtime.version().feature();
    if (feature > NEWEST_JAVA) {
      System.out.println(
          "SKIPPED: the Gradle plugin: Gradle 8.11.1 does not run on Java " + feature);
    }
    assumeTrue(feature <= NEWEST_JAVA);
  }

  @BeforeEach
  void makeProject() {
    project =
        ProjectBuilder.builder()
            .withProjectDir(folder.resolve("project").toFile())
            .withGradleUserHomeDir(folder.resolve("home").toFile())
            .build();
    project.getPluginManager().apply("java");
  }

  private Test test() {
    return (Test) project.getTasks().getByName("test");
  }

  private HackLeakExtension extension() {
    return project.getExtensions().getByType(HackLeakExtension.class);
  }

  /** Runs what the plugin has a `Test` task do first. */
  private void record(Test test) {
    List<Action<? super Task>> actions = new ArrayList<>(test.getActions());
    assertFalse(actions.isEmpty());
    actions.get(0).execute(test);
  }

  @org.junit.jupiter.api.Test
  void thePluginIsFoundByItsId() {
    project.getPluginManager().apply("dev.hackleak");
    assertTrue(project.getPlugins().hasPlugin(HackLeakPlugin.class));
    assertEquals("verification", project.getTasks().getByName("hackleakReport").getGroup());
    assertTrue(project.getTasks().getByName("hackleakCheck") instanceof HackLeakCheck);
  }

  @org.junit.jupiter.api.Test
  void everyTestTaskIsRecordedAlsoOneThatComesLater() {
    HackLeakPlugin.apply(project, LINUX);
    Test later = project.getTasks().create("integrationTest", Test.class);
    for (Test test : new Test[] {test(), later}) {
      record(test);
      String library = test.getEnvironment().get("LD_PRELOAD").toString().split(":")[0];
      assertTrue(Files.isRegularFile(new File(library).toPath()), library);
      String cache = System.getProperty("user.home") + "/.cache/hackleak/";
      assertTrue(library.startsWith(cache), library);
      assertEquals(
          "out=" + folder + "/project/build/hackleak/" + test.getName() + ",exit=settle",
          test.getEnvironment().get("HACKLEAK_OPTIONS"));
      assertEquals("true", test.getSystemProperties().get("ai.rapids.refcount.debug"));
      assertTrue(test.getAllJvmArgs().contains("-Dai.rapids.refcount.debug=true"));
      assertEquals(List.of(), test.getJvmArgs());
    }
  }

  @org.junit.jupiter.api.Test
  void whatTheBuildScriptSetsStaysWheneverItDoes() {
    HackLeakPlugin.apply(project, LINUX);
    test().environment("LD_PRELOAD", "/lib/theirs.so");
    test().environment("HACKLEAK_OPTIONS", "depth=7");
    test().systemProperty("ai.rapids.refcount.debug", "false");
    extension().getTrack().set("new+malloc");
    extension().getHeld().set("fail");
    extension().getRequired().set(true);
    record(test());
    Map<String, Object> environment = test().getEnvironment();
    assertTrue(environment.get("LD_PRELOAD").toString().endsWith("/libhackleak.so:/lib/theirs.so"));
    assertTrue(
        environment
            .get("HACKLEAK_OPTIONS")
            .toString()
            .endsWith(",track=new+malloc,held=fail,depth=7"));
    assertEquals("false", test().getSystemProperties().get("ai.rapids.refcount.debug"));
    assertEquals("true", test().getSystemProperties().get("hackleak.required"));
  }

  private void refuses(String... parts) {
    String message = assertThrows(GradleException.class, () -> record(test())).getMessage();
    assertEquals(1, message.split("\n").length, message);
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @org.junit.jupiter.api.Test
  void aMistakeIsToldWithItsNameBeforeATestRuns() {
    HackLeakPlugin.apply(project, LINUX);
    extension().getHeld().set("warn");
    refuses("hackleak: `held` in `hackleak { }` cannot be used: ", "fail, note, ignore");
    extension().getHeld().set("note");
    extension().getBaseline().set(folder.resolve("none.json").toFile());
    refuses("`baseline` in `hackleak { }` cannot be used", folder + "/none.json");
    extension().getBaseline().set((File) null);
    extension().getOptions().put("depht", "1");
    refuses("`depht` in `options` in `hackleak { }` cannot be used");
    extension().getOptions().clear();
    extension().setFormats(java.util.Arrays.asList("json", "htm"));
    refuses("`formats` in `hackleak { }` cannot be used: `htm` is no format");
    HackLeakReport report = (HackLeakReport) project.getTasks().getByName("hackleakReport");
    assertThrows(GradleException.class, report::report);
    extension().setFormats(java.util.Arrays.asList("json"));
    test().environment("HACKLEAK_OPTIONS", "trak=new");
    refuses("HACKLEAK_OPTIONS of the task cannot be used: option `trak`");
    test().environment("HACKLEAK_OPTIONS", "depth=5");
    record(test());
  }

  @org.junit.jupiter.api.Test
  void whatTheCommandLineHasAndNobodyReadsIsTold() {
    project
        .getGradle()
        .getStartParameter()
        .setProjectProperties(java.util.Collections.singletonMap("hackleak.strict", "true"));
    HackLeakPlugin.apply(project, LINUX);
    refuses(
        "hackleak: -Phackleak.strict cannot be used: there is no such property: write"
            + " `options['strict'] = 'true'` in `hackleak { }`, or in the environment"
            + " HACKLEAK_OPTIONS=strict=true");
  }

  @org.junit.jupiter.api.Test
  void howTestsAreCheckedReachesTheirJvm() {
    project.getExtensions().getExtraProperties().set("hackleak.warmup", "2");
    project.getExtensions().getExtraProperties().set("hackleak.repeat", "9");
    HackLeakPlugin.apply(project, LINUX);
    extension().getRepeat().set(3);
    extension().getSettle().set(false);
    extension().setKinds(java.util.Arrays.asList("new", "jni"));
    record(test());
    Map<String, Object> properties = test().getSystemProperties();
    assertEquals("2", properties.get("hackleak.warmup"));
    assertEquals("3", properties.get("hackleak.repeat"));
    assertEquals("false", properties.get("hackleak.settle"));
    assertEquals("new;jni", properties.get("hackleak.kinds"));
    assertNull(properties.get("hackleak.allowBytes"));
  }

  @org.junit.jupiter.api.Test
  void imagesAreOutputsAndSettingsAreInputs() throws Exception {
    HackLeakPlugin.apply(project, LINUX);
    assertTrue(
        test().getOutputs().getFiles().contains(project.file("build/hackleak/test")),
        () -> test().getOutputs().getFiles().getFiles().toString());
    Object before = input("hackleak");
    assertEquals(before, input("hackleak"));
    assertFalse(before.toString().contains(folder.toString()), before::toString);
    extension().getOptions().put("depth", "7");
    assertNotEquals(before, input("hackleak"));

    // There is no repository to resolve the extension from.
    extension().getEveryTest().set(false);
    File suppressions = Files.write(folder.resolve("known.txt"), new byte[0]).toFile();
    extension().getSuppressions().set(suppressions);
    assertTrue(test().getInputs().getFiles().contains(suppressions));
    File known = Files.write(folder.resolve("mine.known"), new byte[0]).toFile();
    extension().getKnownLeaks().set(known);
    extension().getKnown().set("fail");
    assertTrue(test().getInputs().getFiles().contains(known));
  }

  private Object input(String name) throws Exception {
    Object value = test().getInputs().getProperties().get(name);
    return value instanceof java.util.concurrent.Callable
        ? ((java.util.concurrent.Callable<?>) value).call()
        : value;
  }

  @org.junit.jupiter.api.Test
  void whatTheConfigurationCacheKeepsComesBackTheSame() throws Exception {
    HackLeakPlugin.apply(project, LINUX);
    extension().getOptions().put("depth", "7");
    TaskSettings settings = new TaskSettings(extension(), java.util.Collections.emptyMap());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(settings);
    Object back = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    assertEquals(settings.fingerprint(), ((TaskSettings) back).fingerprint());
    assertEquals(settings.formats(), ((TaskSettings) back).formats());
  }

  /** The configuration cache keeps an action and a task's fields: with no project, and no task. */
  @org.junit.jupiter.api.Test
  void whatRunsLaterHoldsNoPartOfTheBuild() throws Exception {
    HackLeakPlugin.apply(project, LINUX);
    // There is no repository to resolve the extension from.
    extension().getEveryTest().set(false);
    Field wrapped = test().getActions().get(0).getClass().getDeclaredField("action");
    wrapped.setAccessible(true);
    assertKept(Recording.class, wrapped.get(test().getActions().get(0)));
    for (String name : List.of("hackleakCheck", "hackleakReport", "hackleakSummary")) {
      Task task = project.getTasks().getByName(name);
      // Gradle has made a subclass, whose fields are its own affair.
      assertTrue(task.getClass().getSimpleName().endsWith("_Decorated"), name);
      Class<?> of = task.getClass().getSuperclass();
      for (; of != DefaultTask.class; of = of.getSuperclass()) {
        assertKept(of, task);
      }
    }
  }

  private static void assertKept(Class<?> of, Object holder) throws Exception {
    for (Field field : of.getDeclaredFields()) {
      field.setAccessible(true);
      Object value = field.get(Modifier.isStatic(field.getModifiers()) ? null : holder);
      if (value instanceof FileCollection) {
        value = new ArrayList<>(((FileCollection) value).getFiles());
      } else if (value instanceof ProviderInternal) {
        // What is asked for again when tasks run would need the script.
        var later = ((ProviderInternal<?>) value).calculateExecutionTimeValue();
        assertTrue(later.hasFixedValue(), field::toString);
        value = later.getFixedValue();
      }
      try {
        new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(value);
      } catch (NotSerializableException e) {
        fail(field + " holds " + e.getMessage());
      }
    }
  }

  @org.junit.jupiter.api.Test
  void everyTestBringsTheExtension() {
    HackLeakPlugin.apply(project, LINUX);
    assertEquals(List.of("hackleak-junit"), runtimeOnly("testRuntimeOnly"));
    assertEquals(List.of(), runtimeOnly("runtimeOnly"));
  }

  @org.junit.jupiter.api.Test
  void withoutEveryTestNothingJoinsTheClassPath() {
    HackLeakPlugin.apply(project, LINUX);
    extension().getEveryTest().set(false);
    assertEquals(List.of(), runtimeOnly("testRuntimeOnly"));
    record(test());
    assertNull(test().getSystemProperties().get("hackleak.everyTest"));
  }

  private List<String> runtimeOnly(String configuration) {
    var found = project.getConfigurations().getByName(configuration);
    ((org.gradle.api.internal.artifacts.configurations.ConfigurationInternal) found)
        .runDependencyActions();
    return found.getDependencies().stream().map(Dependency::getName).collect(Collectors.toList());
  }

  @org.junit.jupiter.api.Test
  void theCheckRunsTheTestsAndTheReportOnlyFollowsThem() {
    HackLeakPlugin.apply(project, LINUX);
    Task check = project.getTasks().getByName("hackleakCheck");
    assertTrue(check.getTaskDependencies().getDependencies(check).contains(test()));
    Task report = project.getTasks().getByName("hackleakReport");
    assertFalse(report.getTaskDependencies().getDependencies(report).contains(test()));
    assertTrue(report.getMustRunAfter().getDependencies(report).contains(test()));
  }

  @org.junit.jupiter.api.Test
  void elsewhereTestsRunUnrecorded() {
    HackLeakPlugin.apply(project, MAC);
    record(test());
    assertFalse(String.valueOf(test().getEnvironment().get("LD_PRELOAD")).contains("libhackleak"));
    assertNull(test().getSystemProperties().get("hackleak.everyTest"));
    ((HackLeakCheck) project.getTasks().getByName("hackleakCheck")).check();
    ((HackLeakReport) project.getTasks().getByName("hackleakReport")).report();
  }

  @org.junit.jupiter.api.Test
  void elsewhereRequiredFails() {
    HackLeakPlugin.apply(project, MAC);
    extension().getRequired().set(true);
    GradleException refused = assertThrows(GradleException.class, () -> record(test()));
    assertTrue(refused.getMessage().contains("Mac OS X"), refused::getMessage);
    HackLeakCheck check = (HackLeakCheck) project.getTasks().getByName("hackleakCheck");
    assertThrows(GradleException.class, check::check);
  }

  @org.junit.jupiter.api.Test
  void requiredAsksNothingWhereNoTestsRan() throws Exception {
    HackLeakPlugin.apply(project, LINUX);
    extension().getRequired().set(true);
    HackLeakCheck check = (HackLeakCheck) project.getTasks().getByName("hackleakCheck");
    check.check();
    for (String result : List.of("TEST-example.SomeTest.xml", "binary/results.bin")) {
      Path file = folder.resolve("project/build/test-results/test").resolve(result);
      Files.createDirectories(file.getParent());
      Files.write(file, new byte[1]);
      GradleException refused = assertThrows(GradleException.class, check::check);
      assertTrue(refused.getMessage().contains("hackleak.required forbids that"));
      Files.delete(file);
      check.check();
    }
  }

  @org.junit.jupiter.api.Test
  void underACommaTestsRunUnrecorded() {
    project.getLayout().getBuildDirectory().set(folder.resolve("co,mma").toFile());
    HackLeakPlugin.apply(project, LINUX);
    record(test());
    assertFalse(String.valueOf(test().getEnvironment().get("LD_PRELOAD")).contains("libhackleak"));
    extension().getRequired().set(true);
    refuses("because of the comma in its path", "; hackleak.required forbids that");
  }

  @org.junit.jupiter.api.Test
  void skippedTestsAreLeftAlone() {
    HackLeakPlugin.apply(project, LINUX);
    extension().getSkip().set(true);
    record(test());
    assertNull(test().getEnvironment().get("HACKLEAK_OPTIONS"));
    assertEquals(List.of(), runtimeOnly("testRuntimeOnly"));
  }
}
