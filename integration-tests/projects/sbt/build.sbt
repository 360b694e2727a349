name := "leaky"
autoScalaLibrary := false
crossPaths := false
libraryDependencies += "com.github.sbt.junit" % "jupiter-interface" % "0.13.3" % Test
