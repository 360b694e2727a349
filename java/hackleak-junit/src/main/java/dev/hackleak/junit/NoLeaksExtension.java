package dev.hackleak.junit;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.platform.commons.support.AnnotationSupport;

/** A checkpoint before each test and a check after it; see {@link NoLeaks}. */
final class NoLeaksExtension implements BeforeEachCallback, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(NoLeaksExtension.class);

  @Override
  public void beforeEach(ExtensionContext context) {
    String test = context.getRequiredTestClass().getSimpleName() + " > " + context.getDisplayName();
    Checkpoint checkpoint = HackLeak.checkpoint(test);
    if (checkpoint.isRecorded()) {
      store(context).put(Checkpoint.class, checkpoint);
    } else {
      UnrecordedNotice.print();
    }
  }

  /**
   * Throws the leak even if the test has failed: Jupiter then keeps the test's own failure and adds
   * this one to it as suppressed.
   */
  @Override
  public void afterEach(ExtensionContext context) {
    Checkpoint checkpoint = store(context).remove(Checkpoint.class, Checkpoint.class);
    if (checkpoint != null) {
      HackLeak.assertNoLeaks(checkpoint, check(annotation(context)));
    }
  }

  private static LeakCheck check(NoLeaks annotation) {
    LeakCheck check = LeakCheck.standard().settling(annotation.settle());
    long limit = annotation.settleLimitMillis();
    return limit < 0 ? check : check.settleLimit(Duration.ofMillis(limit));
  }

  /** The nearest one: on the method, on its class, or on a class around that. */
  private static NoLeaks annotation(ExtensionContext context) {
    Optional<ExtensionContext> at = Optional.of(context);
    while (at.isPresent()) {
      Optional<NoLeaks> found =
          AnnotationSupport.findAnnotation(at.get().getElement(), NoLeaks.class);
      if (found.isPresent()) {
        return found.get();
      }
      at = at.get().getParent();
    }
    throw new IllegalStateException("no @NoLeaks around " + context.getUniqueId());
  }

  private static Store store(ExtensionContext context) {
    return context.getStore(NAMESPACE);
  }
}
