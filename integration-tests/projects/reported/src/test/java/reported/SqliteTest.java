package reported;

import dev.hackleak.junit.NoLeaks;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.sqlite.BusyHandler;

/** sqlite-jdbc: C. */
@NoLeaks
class SqliteTest {
  /**
   * xerial/sqlite-jdbc#684: a busy handler that is cleared is never released. The last one lies in
   * a variable of the library, and so is held.
   */
  @Test
  void busyHandlerCleared() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite::memory:")) {
      for (int i = 0; i < 10; i++) {
        BusyHandler.setHandler(connection, new GivesUp());
        BusyHandler.clearHandler(connection);
      }
    }
  }

  private static final class GivesUp extends BusyHandler {
    @Override
    protected int callback(int retries) {
      return 0;
    }
  }
}
