/** Is loaded by many loaders, and unloaded with them. */
class ChaosUnloadable implements Chaos.Task {
  final Chaos.Step step;

  public ChaosUnloadable(Chaos.Step step) {
    this.step = step;
  }

  @Override
  public void run(int nest) {
    if (nest > 0) {
      run(nest - 1);
    } else {
      Chaos.walk(step, step.random.nextInt(4), 1);
      Chaos.leave(step);
    }
  }
}
