// Native half of Churn.java.
#include <jni.h>

#include "churn.h"

// This frame counts too.
extern "C" JNIEXPORT jdouble JNICALL Java_Churn_pair(JNIEnv*, jclass, jint pairs, jint depth, jboolean through_malloc) {
  jdouble cost = through_malloc ? pair_cost<Through::MALLOC>(pairs, depth - 1) : pair_cost<Through::NEW>(pairs, depth - 1);
  KEEP(pairs);
  return cost;
}
