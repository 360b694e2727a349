package dev.hackleak.spark;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.api.plugin.PluginContext;

/** What Spark gives a plugin, without Spark. */
final class Fakes {
  private Fakes() {}

  /** A context that keeps what an executor asks the driver. */
  static PluginContext context(String executor, List<Object> asked) {
    return context(executor, asked, message -> "");
  }

  /** The same, of a driver that answers. */
  static PluginContext context(
      String executor, List<Object> asked, Function<Map<?, ?>, Object> driver) {
    return (PluginContext)
        Proxy.newProxyInstance(
            PluginContext.class.getClassLoader(),
            new Class<?>[] {PluginContext.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "executorID":
                  return executor;
                case "ask":
                case "send":
                  asked.add(arguments[0]);
                  return driver.apply((Map<?, ?>) arguments[0]);
                default:
                  throw new UnsupportedOperationException(method.getName());
              }
            });
  }

  static Map<String, Object> site(String stack, long bytes, long blocks) {
    Map<String, Object> site = new HashMap<>();
    site.put(Message.KIND, "new");
    site.put(Message.VERDICT, "lost");
    site.put(Message.HOLDER, "");
    site.put(Message.BYTES, bytes);
    site.put(Message.BLOCKS, blocks);
    List<String> frames = new ArrayList<>();
    frames.add(stack);
    site.put(Message.STACK, frames);
    site.put(Message.SHARES, new ArrayList<>());
    return site;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> share(
      Map<String, Object> site, String scope, long bytes, long blocks) {
    Map<String, Object> share = new HashMap<>();
    share.put(Message.SCOPE, scope);
    share.put(Message.BYTES, bytes);
    share.put(Message.BLOCKS, blocks);
    ((List<Object>) site.get(Message.SHARES)).add(share);
    return site;
  }
}
