#include "ssm/client/copy_script.hpp"

#include "ssm/client/command_application.hpp"

namespace ssm::client {
namespace {

// In the C locale ${#x} counts bytes, and messages are the ones everybody knows.
std::vector<std::string> shell(std::string script, std::vector<std::string> arguments) {
  std::vector<std::string> command = {"env", "LC_ALL=C", "sh", "-c", std::move(script), "sh"};
  for (std::string& argument : arguments) {
    command.push_back(std::move(argument));
  }
  return command;
}

constexpr const char* hash_function = R"sh(
hash() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256
  else openssl dgst -sha256 -r
  fi
}
)sh";

// $1 mark, $2 1 with hashes, $3 the path that was asked for, then paths.
constexpr const char* entry_script = R"sh(
m=$1 hashes=$2 top=$3
shift 3
for f do
  k=F follow=
  if [ -L "$f" ] && [ "$f" != "$top" ]; then k=L
  elif [ -d "$f" ]; then k=D; [ -r "$f" ] && [ -x "$f" ] || k=X
  elif [ -f "$f" ]; then [ -r "$f" ] || k=X
  elif [ -e "$f" ]; then k=O
  else k=N
  fi
  [ $k = L ] || follow=-L
  s=$(stat $follow -c '%a %Y %s' -- "$f" 2>/dev/null) || s='0 0 0'
  h=- l=
  if [ $k = F ] && [ "$hashes" = 1 ]; then h=$(hash <"$f"); h=${h%% *}; h=${h:--}; fi
  if [ $k = L ]; then l=$(readlink -n -- "$f"; echo x); l=${l%x}; fi
  printf '%s %s %s %s %s %s\n%s\n%s\n' "$m" $k "$s" "$h" ${#f} ${#l} "$f" "$l"
done
)sh";

// $1 mark, $2 1 with hashes, $3 1 if recursive, $4 the entry script, then paths.
constexpr const char* list_script = R"sh(
m=$1 hashes=$2 recursive=$3 entry=$4
shift 4
for p do
  p=$(printf '%bx' "$p")
  p=${p%x}
  if [ "$recursive" = 1 ] && [ -d "$p" ]; then
    find -H "$p" -exec sh -c "$entry" sh "$m" "$hashes" "$p" {} + 2>/dev/null
  else
    sh -c "$entry" sh "$m" "$hashes" "$p" "$p" 2>/dev/null
  fi
done
printf '%s bye\n' "$m"
)sh";

// $1 mark, then offsets and paths in turn.
constexpr const char* fetch_script = R"sh(
m=$1
shift
no() { printf '%s no %s\n' "$m" "$(printf '%s' "$1" | tr '\n' ' ')"; }
while [ $# -gt 1 ]; do
  o=$1 f=$(printf '%bx' "$2")
  f=${f%x}
  shift 2
  if [ -e "$f" ] && [ ! -f "$f" ]; then no 'it is not a regular file'; continue; fi
  if ! e=$( (: <"$f") 2>&1 ); then no "$e"; continue; fi
  s=$(stat -L -c '%s %Y' -- "$f")
  n=$((${s%% *} - o))
  if [ "$n" -lt 0 ]; then o=0 n=${s%% *}; fi
  printf '%s data %s %s\n' "$m" "$o" "$n"
  if [ "$o" = 0 ]; then head -c "$n" <"$f"; else tail -c "+$((o + 1))" <"$f" | head -c "$n"; fi
  h=$(hash <"$f")
  v=end
  [ "$s" = "$(stat -L -c '%s %Y' -- "$f")" ] || v=changed
  printf '\n%s %s %s\n' "$m" $v "${h%% *}"
done
printf '%s bye\n' "$m"
)sh";

// $1 mark, $2 terminal or socket, $3 1 to preserve. A folder that a path names is never replaced,
// and nothing but a regular file is.
constexpr const char* receive_script = R"sh(
m=$1 input=$2 preserve=$3
say() { printf '%s %s\n' "$m" "$*"; }
line() { printf '%s' "$1" | tr '\n' ' '; }
no() { say no "$(line "$1")"; }
[ $input = socket ] || stty icanon -echo -opost
p= r= k=
say ready
while read -r op a b c d g; do
  case $op in
  P) p=$p$a; continue ;;
  R) r=$r$a; continue ;;
  K) k=$a; continue ;;
  Q) say bye; exit 0 ;;
  esac
  f=$(printf '%bx' "$p") l=$(printf '%bx' "$r")
  f=${f%x} l=${l%x} p= r=
  case $op in
  T)
    if [ -d "$f" ]; then say is folder
    elif [ -e "$f" ] || [ -L "$f" ]; then say is other
    else say is none
    fi ;;
  D)
    if [ -d "$f" ]; then say ok
    elif e=$(mkdir "$f" 2>&1); then say ok
    else no "$e"
    fi ;;
  L)
    if [ -d "$f" ] && [ ! -L "$f" ]; then no 'it is a folder'
    elif e=$({ rm -f "$f" && ln -s -- "$l" "$f"; } 2>&1); then say ok
    else no "$e"
    fi ;;
  M)
    if e=$({ chmod "$a" "$f" && touch -d "@$b" "$f"; } 2>&1); then say ok; else no "$e"; fi ;;
  F)
    t=${f%/*}/$k n=0
    if [ -d "$f" ]; then no 'it is a folder'; continue; fi
    if [ -e "$f" ] && [ ! -f "$f" ]; then no 'it is not a regular file'; continue; fi
    if [ "$b" = 1 ]; then
      if [ -f "$f" ] && [ "$(wc -c <"$f")" -eq "$a" ]; then
        h=$(hash <"$f")
        if [ "${h%% *}" = "$g" ]; then
          rm -f "$t"
          [ "$preserve" != 1 ] || { chmod "$c" "$f"; touch -d "@$d" "$f"; } 2>/dev/null
          say same
          continue
        fi
      fi
      # The receiver of an interrupted run may still hold the old one open: it is not to write
      # into what takes the place of a good file.
      if [ -f "$t" ] && [ ! -L "$t" ] && cp "$t" "$t.r" 2>/dev/null && mv -f "$t.r" "$t"; then
        n=$(wc -c <"$t")
        n=$((n))
        [ "$n" -le "$a" ] || n=0
      fi
    fi
    [ "$n" -gt 0 ] || rm -f "$t" 2>/dev/null
    if ! e=$( (umask 077; : >>"$t") 2>&1 ); then no "$e"; continue; fi
    say go "$n"
    if [ $input = socket ]; then e=$(head -c "$((a - n))" 2>&1 >>"$t")
    else e=$(base64 -d 2>&1 >>"$t")
    fi
    if [ $? -ne 0 ]; then
      rm -f "$t"
      say lost "$(line "$e")"
      exit 1
    fi
    n=$(wc -c <"$t")
    if [ "$n" -ne "$a" ]; then say lost "the bytes ended after $((n)) of $a"; exit 1; fi
    h=$(hash <"$t")
    h=${h%% *}
    if [ "$h" != "$g" ]; then rm -f "$t"; say bad "$h"; continue; fi
    if e=$({
      if [ "$preserve" = 1 ]; then chmod "$c" "$t" && touch -d "@$d" "$t"
      elif [ -f "$f" ]; then chmod "$(stat -L -c %a -- "$f")" "$t"
      else
        chmod =rw "$t"
        case $c in *[1357]*) chmod +x "$t" ;; esac
      fi && { sync "$t" 2>/dev/null || sync; } && mv -f "$t" "$f"
    } 2>&1); then say ok
    else rm -f "$t"; no "$e"
    fi ;;
  *) no "unknown request $op" ;;
  esac
done
)sh";

// argv: mark, token, receive script, preserve. The token keeps other users of the target out.
constexpr const char* port_helper = R"sh(
import os, socket, sys
mark, token, script, preserve = sys.argv[1:5]
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(4)
listener.settimeout(60)
print(mark, "port", listener.getsockname()[1], flush=True)
while True:
    connection = listener.accept()[0]
    connection.settimeout(20)
    said = b""
    try:
        while len(said) < len(token):
            part = connection.recv(len(token) - len(said))
            if not part:
                break
            said += part
    except OSError:
        pass
    if said == token.encode():
        break
    connection.close()
listener.close()
connection.setblocking(True)
os.dup2(connection.fileno(), 0)
os.execvp("sh", ["sh", "-c", script, "sh", mark, "socket", preserve])
)sh";

constexpr const char* port_script = R"sh(
command -v python3 >/dev/null 2>&1 || { printf '%s nopython\n' "$1"; exit 69; }
p=$5
set -- "$1" "$2" "$3" "$4"
exec python3 -c "$p" "$@"
)sh";

bool needs_no_escape(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '-';
}

}  // namespace

std::string escape_for_printf(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (needs_no_escape(c)) {
      escaped += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped += "\\0";
      escaped += static_cast<char>('0' + (byte >> 6U));
      escaped += static_cast<char>('0' + ((byte >> 3U) & 7U));
      escaped += static_cast<char>('0' + (byte & 7U));
    }
  }
  return escaped;
}

std::vector<std::string> list_command(std::string_view mark, const ListRequest& request) {
  std::vector<std::string> arguments = {std::string(mark), request.hashes ? "1" : "0",
                                        request.recursive ? "1" : "0",
                                        std::string(hash_function) + entry_script};
  for (const std::string& path : request.paths) {
    arguments.push_back(escape_for_printf(path));
  }
  return shell(list_script, std::move(arguments));
}

std::vector<std::string> fetch_command(std::string_view mark, std::span<const FetchItem> items) {
  std::vector<std::string> arguments = {std::string(mark)};
  for (const FetchItem& item : items) {
    arguments.push_back(std::to_string(item.offset));
    arguments.push_back(escape_for_printf(item.path));
  }
  return shell(std::string(hash_function) + fetch_script, std::move(arguments));
}

std::vector<std::string> receive_command(std::string_view mark, ReceiveInput input, bool preserve) {
  return shell(std::string(hash_function) + receive_script,
               {std::string(mark), input == ReceiveInput::terminal ? "terminal" : "socket",
                preserve ? "1" : "0"});
}

std::vector<std::string> receive_on_port_command(std::string_view mark, std::string_view token,
                                                 bool preserve) {
  return shell(port_script,
               {std::string(mark), std::string(token), std::string(hash_function) + receive_script,
                preserve ? "1" : "0", port_helper});
}

std::string in_terminal(std::string_view mark, std::span<const std::string> command) {
  const std::string begin(mark);
  return "stty -echo -opost; echo " + begin + " begin; " + quote_for_shell(command) +
         " </dev/null 2>/dev/null | base64; echo " + begin + " end";
}

}  // namespace ssm::client
