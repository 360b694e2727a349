// RocksPutGet.java uses the natives of rocksdbjni.
