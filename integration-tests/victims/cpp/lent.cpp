// What the C library hands out to be given back: one function `by_NAME` for each of its functions.
//
//   lent leak            everything is lost
//   lent clean NAME      one function, and what it handed out is given back
//   lent names           the names
//   lent caches          only what the C library keeps for itself
//   lent streams         five streams are lost, three are kept, and one of these was opened between lost ones
#include <argz.h>
#include <dirent.h>
#include <envz.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <grp.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <langinfo.h>
#include <locale.h>
#include <mntent.h>
#include <net/if.h>
#include <netdb.h>
#include <nl_types.h>
#include <obstack.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wordexp.h>

#include <cstdarg>

#include "victim.h"

#define obstack_chunk_alloc std::malloc
#define obstack_chunk_free std::free

// Where a leak is wanted, nothing is given back.
static bool clean;

// A text of `length` characters.
static char* text(size_t length) {
  static char characters[1'100'000];
  std::memset(characters, 'x', length);
  characters[length] = 0;
  return characters;
}

static wchar_t* wide_text(size_t length) {
  static wchar_t characters[300'000];
  wmemset(characters, L'x', length);
  characters[length] = 0;
  return characters;
}

static void give_back(void* block) {
  keep(block);
  if (clean) std::free(block);
}

// A stream with a text of that length in it.
static FILE* stream_with(size_t length) {
  FILE* stream = std::tmpfile();
  std::fputs(text(length), stream);
  std::rewind(stream);
  return stream;
}

static void close(FILE* stream) {
  keep(stream);
  std::fputs("used", stream);
  if (clean) std::fclose(stream);
}

struct Place {
  char* text;
  size_t size;
};

struct WidePlace {
  wchar_t* text;
  size_t size;
};

static int compare(const void* one, const void* other) {
  return std::strcmp(static_cast<const char*>(one), static_cast<const char*>(other));
}

static void give_back_all(dirent** found, int count) {
  if (count < 1) std::abort();
  keep(found);
  if (!clean) return;
  while (count-- > 0) std::free(found[count]);
  std::free(found);
}

__attribute__((noinline)) static char* formatted(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char* to;
  if (vasprintf(&to, format, arguments) < 0) std::abort();
  va_end(arguments);
  return to;
}

__attribute__((noinline)) static void scan(const char* from, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (std::vsscanf(from, format, arguments) != 1) std::abort();
  va_end(arguments);
}

static char* scanned(const char* from, const char* format) {
  char* to = nullptr;
  scan(from, format, &to);
  return to;
}

// A catalogue without messages, as `gencat` makes it: its length is in the tables' sizes.
static const char* catalogue_file() {
  static char path[] = "lent-XXXXXX";
  const uint32_t words[] = {0x960408de, 1, 1, 0, 0, 0, 0, 0, 0, 0};
  int file = mkstemp(path);
  if (write(file, words, sizeof words) < 0) std::abort();
  ::close(file);
  static char absolute[4096];
  if (realpath(path, absolute) == nullptr) std::abort();
  return absolute;
}

// A function of the victim, in the list of all of them.
struct Case {
  const char* name;
  void (*run)();
  Case* next;
  static Case* first;
  Case(const char* name, void (*run)()) : name(name), run(run), next(first) { first = this; }
};
Case* Case::first = nullptr;

#define CASE(name)                             \
  static void by_##name();                     \
  static Case case_##name(#name, by_##name);   \
  NOINLINE static void by_##name()

CASE(asprintf) {
  char* to;
  if (asprintf(&to, "%s%ls", text(1'000'001), L"wide") < 0) std::abort();
  give_back(to);
}

CASE(vasprintf) { give_back(formatted("%s", text(1'000'002))); }

CASE(getline) {
  FILE* from = stream_with(1'000'003);
  char* to = nullptr;
  size_t size = 0;
  if (getline(&to, &size, from) < 0) std::abort();
  std::fclose(from);
  give_back(to);
}

CASE(getdelim) {
  FILE* from = stream_with(1'000'004);
  char* to = nullptr;
  size_t size = 0;
  if (getdelim(&to, &size, ':', from) < 0) std::abort();
  std::fclose(from);
  give_back(to);
}

CASE(realpath) { give_back(realpath("/proc/self/..", nullptr)); }

CASE(canonicalize_file_name) { give_back(canonicalize_file_name("/proc/..")); }

CASE(getcwd) { give_back(getcwd(nullptr, 1'000'005)); }

CASE(get_current_dir_name) { give_back(get_current_dir_name()); }

CASE(tempnam) { give_back(tempnam("/tmp", "lent")); }

CASE(wcsdup) { give_back(wcsdup(wide_text(250'001))); }

CASE(backtrace_symbols) {
  void* frames[9];
  give_back(backtrace_symbols(frames, backtrace(frames, 9)));
}

CASE(sscanf) {
  char* to = nullptr;
  if (std::sscanf(text(1'000'006), "%ms", &to) != 1) std::abort();
  give_back(to);
}

CASE(sscanf_set) {
  char* to = nullptr;
  if (std::sscanf(text(1'000'007), "%m[a-z]", &to) != 1) std::abort();
  give_back(to);
}

CASE(sscanf_characters) {
  char* to = nullptr;
  if (std::sscanf(text(1'000'008), "%1000008mc", &to) != 1) std::abort();
  give_back(to);
}

CASE(sscanf_wide) {
  wchar_t* to = nullptr;
  if (std::sscanf(text(250'002), "%mls", &to) != 1) std::abort();
  give_back(to);
}

CASE(fscanf) {
  FILE* from = stream_with(1'000'009);
  char* to = nullptr;
  if (std::fscanf(from, "%ms", &to) != 1) std::abort();
  std::fclose(from);
  give_back(to);
}

CASE(vsscanf) { give_back(scanned(text(1'000'010), "%ms")); }

CASE(swscanf) {
  wchar_t* to = nullptr;
  if (swscanf(wide_text(250'003), L"%mls", &to) != 1) std::abort();
  give_back(to);
}

CASE(fwscanf) {
  FILE* from = std::tmpfile();
  fputws(wide_text(250'004), from);
  std::rewind(from);
  wchar_t* to = nullptr;
  if (fwscanf(from, L"%mls", &to) != 1) std::abort();
  std::fclose(from);
  give_back(to);
}

CASE(argz_create) {
  char* words[] = {text(1'000'011), nullptr};
  char* to;
  size_t size;
  argz_create(words, &to, &size);
  give_back(to);
}

CASE(argz_create_sep) {
  char* to;
  size_t size;
  argz_create_sep(text(1'000'012), ':', &to, &size);
  give_back(to);
}

CASE(argz_add) {
  char* to = nullptr;
  size_t size = 0;
  argz_add(&to, &size, text(1'000'013));
  give_back(to);
}

CASE(argz_add_sep) {
  char* to = nullptr;
  size_t size = 0;
  argz_add_sep(&to, &size, text(1'000'014), ':');
  give_back(to);
}

CASE(argz_append) {
  char* to = nullptr;
  size_t size = 0;
  argz_append(&to, &size, text(1'000'015), 1'000'016);
  give_back(to);
}

CASE(argz_insert) {
  char* to = nullptr;
  size_t size = 0;
  argz_insert(&to, &size, nullptr, text(1'000'016));
  give_back(to);
}

CASE(argz_replace) {
  char* to = static_cast<char*>(std::malloc(2));
  size_t size = 2;
  unsigned replaced = 0;
  std::memcpy(to, "a", 2);
  argz_replace(&to, &size, "a", text(1'000'017), &replaced);
  give_back(to);
}

CASE(envz_add) {
  char* to = nullptr;
  size_t size = 0;
  envz_add(&to, &size, "name", text(1'000'018));
  give_back(to);
}

CASE(envz_merge) {
  char* to = nullptr;
  size_t size = 0;
  envz_merge(&to, &size, text(1'000'019), 1'000'020, 1);
  give_back(to);
}

CASE(open_memstream) {
  char* to;
  size_t size;
  FILE* stream = open_memstream(&to, &size);
  std::fputs(text(1'000'020), stream);
  std::fclose(stream);
  give_back(to);
}

CASE(open_memstream_unclosed) {
  auto place = new Place;
  FILE* stream = open_memstream(&place->text, &place->size);
  std::fputs(text(500'003), stream);
  std::fflush(stream);
  std::fseek(stream, 1'300'000, SEEK_SET);
  std::fputc('x', stream);
  keep(place);
  if (clean) {
    std::fclose(stream);
    std::free(place->text);
    delete place;
  }
}

CASE(open_wmemstream) {
  wchar_t* to;
  size_t size;
  FILE* stream = open_wmemstream(&to, &size);
  fputws(wide_text(250'005), stream);
  std::fclose(stream);
  give_back(to);
}

CASE(open_wmemstream_unclosed) {
  auto place = new WidePlace;
  FILE* stream = open_wmemstream(&place->text, &place->size);
  fputws(wide_text(250'006), stream);
  std::fseek(stream, 400'000, SEEK_SET);
  fputwc(L'x', stream);
  keep(place);
  if (clean) {
    std::fclose(stream);
    std::free(place->text);
    delete place;
  }
}

CASE(fopen) { close(std::fopen("/dev/null", "w")); }

CASE(fopen64) { close(fopen64("/dev/null", "w")); }

CASE(fopen_converted) {
  FILE* stream = std::fopen("/dev/null", "w,ccs=UTF-16");
  fputws(L"used", stream);
  keep(stream);
  if (clean) std::fclose(stream);
}

CASE(fdopen) { close(fdopen(open("/dev/null", O_WRONLY), "w")); }

CASE(tmpfile) { close(std::tmpfile()); }

CASE(fmemopen) { close(fmemopen(nullptr, 1'000'021, "w+")); }

CASE(fopencookie) { close(fopencookie(nullptr, "w", cookie_io_functions_t())); }

CASE(popen) {
  FILE* stream = popen("true", "w");
  keep(stream);
  if (clean) pclose(stream);
}

CASE(setmntent) {
  FILE* stream = setmntent("/proc/self/mounts", "r");
  getmntent(stream);
  if (clean) endmntent(stream);
}

CASE(opendir) {
  DIR* folder = opendir("/usr");
  readdir(folder);
  if (clean) closedir(folder);
}

CASE(fdopendir) {
  DIR* folder = fdopendir(open("/usr", O_RDONLY | O_DIRECTORY));
  if (clean) closedir(folder);
}

CASE(scandir) {
  dirent** found;
  give_back_all(found, scandir("/usr", &found, nullptr, alphasort));
}

CASE(scandirat) {
  dirent** found;
  give_back_all(found, scandirat(AT_FDCWD, "/usr", &found, nullptr, versionsort));
}

CASE(fts_open) {
  char folder[] = "/proc/self/task";
  char* folders[] = {folder, nullptr};
  FTS* walk = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR, nullptr);
  fts_read(walk);
  if (clean) fts_close(walk);
}

CASE(glob) {
  glob_t found;
  glob("~root/../usr/*", GLOB_TILDE, nullptr, &found);
  if (clean) globfree(&found);
}

CASE(wordexp) {
  wordexp_t words;
  wordexp("~root two $HOME", &words, 0);
  if (clean) wordfree(&words);
}

CASE(regcomp) {
  regex_t pattern;
  regcomp(&pattern, "(a|b)*[[:alpha:]]+\xc3\xa4", REG_EXTENDED | REG_ICASE);
  regexec(&pattern, "abab\xc3\xa4", 0, nullptr, 0);
  if (clean) regfree(&pattern);
}

CASE(re_compile_pattern) {
  re_pattern_buffer pattern = {};
  re_compile_pattern("a*b", 3, &pattern);
  if (clean) regfree(&pattern);
}

CASE(tsearch) {
  void* root = nullptr;
  tsearch("key", &root, compare);
  if (clean) tdelete("key", &root, compare);
}

CASE(hcreate) {
  hcreate(40'000);
  if (clean) hdestroy();
}

CASE(hcreate_r) {
  hsearch_data table = {};
  hcreate_r(50'000, &table);
  if (clean) hdestroy_r(&table);
}

CASE(obstack) {
  obstack stack;
  obstack_init(&stack);
  obstack_grow(&stack, text(1'000'022), 1'000'022);
  keep(stack);
  if (clean) obstack_free(&stack, nullptr);
}

CASE(obstack_printf) {
  obstack stack;
  obstack_init(&stack);
  obstack_printf(&stack, "%s", text(1'000'023));
  keep(stack);
  if (clean) obstack_free(&stack, nullptr);
}

CASE(getaddrinfo) {
  addrinfo hints = {};
  addrinfo* found;
  hints.ai_flags = AI_CANONNAME;
  if (getaddrinfo("127.0.0.1", "80", &hints, &found) != 0) std::abort();
  if (clean) freeaddrinfo(found);
}

CASE(getaddrinfo_named) {
  addrinfo* found;
  if (getaddrinfo("localhost", nullptr, nullptr, &found) != 0) std::abort();
  if (clean) freeaddrinfo(found);
}

CASE(getifaddrs) {
  ifaddrs* found;
  if (getifaddrs(&found) != 0) std::abort();
  if (clean) freeifaddrs(found);
}

CASE(if_nameindex) {
  struct if_nameindex* found = if_nameindex();
  if (clean) if_freenameindex(found);
}

CASE(newlocale) {
  locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (clean) freelocale(locale);
}

CASE(duplocale) {
  locale_t locale = duplocale(LC_GLOBAL_LOCALE);
  if (clean) freelocale(locale);
}

CASE(iconv_open) {
  iconv_t converter = iconv_open("ISO-8859-7//TRANSLIT", "UTF-16");
  char in[] = "\xff\xfe";
  char out[8];
  char *from = in, *to = out;
  size_t left = 2, room = 8;
  iconv(converter, &from, &left, &to, &room);
  if (clean) iconv_close(converter);
}

CASE(catopen) {
  const char* file = catalogue_file();
  nl_catd catalogue = catopen(file, 0);
  unlink(file);
  if (catalogue == reinterpret_cast<nl_catd>(-1)) std::abort();
  if (clean) catclose(catalogue);
}

CASE(posix_spawn_file_actions_addopen) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 5, text(1'000'024), O_RDONLY, 0);
  posix_spawn_file_actions_addclose(&actions, 5);
  if (clean) posix_spawn_file_actions_destroy(&actions);
}

CASE(posix_spawn_file_actions_addclose) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, 5);
  if (clean) posix_spawn_file_actions_destroy(&actions);
}

CASE(posix_spawn_file_actions_adddup2) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 5, 6);
  if (clean) posix_spawn_file_actions_destroy(&actions);
}

CASE(posix_spawn_file_actions_addchdir_np) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  if (clean) posix_spawn_file_actions_destroy(&actions);
}

CASE(pthread_attr_setaffinity_np) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(0, &processors);
  pthread_attr_setaffinity_np(&attributes, sizeof processors, &processors);
  if (clean) pthread_attr_destroy(&attributes);
}

CASE(pthread_getattr_np) {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  if (clean) pthread_attr_destroy(&attributes);
}

CASE(sem_open) {
  char name[40];
  std::snprintf(name, sizeof name, "/lent-%d", getpid());
  sem_t* semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  if (semaphore == SEM_FAILED) std::abort();
  sem_unlink(name);
  if (clean) sem_close(semaphore);
}

CASE(cpu_alloc) {
  cpu_set_t* processors = CPU_ALLOC(8'000'000);
  keep(processors);
  if (clean) CPU_FREE(processors);
}

CASE(timer_create) {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = [](sigval) {};
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) std::abort();
  if (clean) timer_delete(timer);
}

// None of this is its caller's to give back.
static void caches() {
  char* line = nullptr;
  size_t size = 0;
  if (getline(&line, &size, stdin) >= 0) std::abort();
  std::free(line);
  int number;
  if (std::scanf("%d", &number) > 0) std::abort();
  std::puts("text");
  fputws(L"wide", stderr);
  setlocale(LC_ALL, "C");
  setlocale(LC_ALL, "C.UTF-8");
  time_t now = 0;
  localtime(&now);
  keep(strerror(1'000'000));
  keep(strsignal(40));
  keep(getpwnam("root"));
  keep(getgrgid(0));
  keep(gethostbyname("localhost"));
  keep(getservbyname("http", "tcp"));
  getpwent();
  setenv("LENT", "value", 1);
  std::atexit([] {});
  keep(nl_langinfo(CODESET));
  pthread_key_t key;
  for (int made = 0; made < 40; ++made) {
    pthread_key_create(&key, nullptr);
    pthread_setspecific(key, &key);
  }
  void* frames[9];
  backtrace(frames, 9);
  keep(dlopen("libm.so.6", RTLD_NOW));
  pthread_t thread;
  pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
  pthread_join(thread, nullptr);
}

static FILE* volatile kept_streams[3];

__attribute__((noinline)) static void by_losing() {
  FILE* volatile stream = std::fopen("/dev/null", "w");
  std::fputs("lost", stream);
  stream = nullptr;
  // No call from here is the last thing that it does: it has a frame.
  asm volatile("" : : : "memory");
}

__attribute__((noinline)) static void by_keeping(int place) {
  kept_streams[place] = std::fopen("/dev/null", "w");
  asm volatile("" : : : "memory");
}

static void streams() {
  by_keeping(0);
  by_losing();
  by_losing();
  by_keeping(1);
  by_losing();
  by_losing();
  by_losing();
  by_keeping(2);
  // What calls have left on the stack says nothing.
  char used[4096];
  std::memset(used, 1, sizeof used);
  asm volatile("" : : "r"(used) : "memory");
}

int main(int, char** arguments) {
  // The child of `popen` is no part of this.
  unsetenv("LD_PRELOAD");
  static regex_t kept;
  regcomp(&kept, "a*[[:alpha:]]b", REG_EXTENDED);
  setlocale(LC_ALL, "C.UTF-8");
  checkpoint("start");
  if (is(arguments[1], "caches")) {
    caches();
    // A pattern that is kept grows with what it is matched with.
    regexec(&kept, "aaaaaabaaaab", 0, nullptr, 0);
    std::puts("kept");
    return 0;
  }
  if (is(arguments[1], "streams")) {
    streams();
    return 0;
  }
  clean = is(arguments[1], "clean");
  for (const Case* each = Case::first; each != nullptr; each = each->next) {
    if (is(arguments[1], "names")) std::puts(each->name);
    if (is(arguments[1], "leak") || (clean && is(arguments[2], each->name))) each->run();
  }
}
