package libraries;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.FutureTask;
import org.duckdb.DuckDBConnection;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * duckdb_jdbc: C++.
 *
 * <p>Each thread that works for a database keeps a copy of its settings, until it works for the
 * next one: the newest copy is held. What the tests forget is counted exactly, so the databases here
 * have no workers for queries, and those that a test closes are opened by a thread that ends with
 * the test.
 */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DuckDbTest {
  private static final List<Object> KEPT = new ArrayList<>();

  private static DuckDBConnection shared;

  @Test
  @Order(2)
  void connectionClosed() throws Exception {
    shared = open().unwrap(DuckDBConnection.class);
    Use.repeat(100, DuckDbTest::use);
  }

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void databaseClosed() throws Exception {
    Use.repeat(10, DuckDbTest::openAndClose);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void databaseNotClosed() throws SQLException {
    KEPT.add(open());
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void connectionNotClosed() throws SQLException {
    for (int i = 0; i < 10; i++) {
      Connection connection = shared.duplicate();
      query(connection);
      KEPT.add(connection);
    }
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void statementNotClosed() throws SQLException {
    for (int i = 0; i < 10; i++) {
      PreparedStatement statement = shared.prepareStatement("select ?");
      statement.setInt(1, i);
      KEPT.add(statement.executeQuery());
    }
  }

  static void use() throws SQLException {
    try (Connection connection = shared.duplicate()) {
      query(connection);
    }
  }

  private static void openAndClose() throws Exception {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              try (Connection connection = open()) {
                fill(connection);
                query(connection);
              }
              return null;
            });
    Thread thread = new Thread(task);
    thread.start();
    thread.join();
    task.get();
  }

  private static void fill(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create temporary table t (id integer, name varchar)");
    }
    try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
      for (int i = 0; i < 10; i++) {
        insert.setInt(1, i);
        insert.setString(2, "row " + i);
        insert.executeUpdate();
      }
    }
  }

  private static Connection open() throws SQLException {
    Properties settings = new Properties();
    settings.setProperty("threads", "1");
    settings.setProperty("async_threads", "1");
    return DriverManager.getConnection("jdbc:duckdb:", settings);
  }

  private static void query(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement("select 42 where 1 = ?")) {
      select.setInt(1, 1);
      try (ResultSet rows = select.executeQuery()) {
        rows.next();
        assertEquals(42, rows.getInt(1));
      }
    }
  }
}
