addSbtPlugin("com.github.sbt.junit" % "sbt-jupiter-interface" % "0.13.3")
