// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/script_parser.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "daemon/cli/script_forms.hpp"

namespace vss::cli {
namespace {

struct Word {
  std::string text;
  bool quoted = false;  // never a word of the language then
};
using Words = std::vector<Word>;

class LineReader {
 public:
  LineReader(std::string_view line, int number) : line_(line), number_(number) {}

  Words read() {
    Words words;
    while (skip_blanks()) {
      if (words.size() == kMaxScriptWords)
        throw ScriptError(number_, fmt::format("more than {} words", kMaxScriptWords));
      words.push_back(read_word());
    }
    return words;
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

  // False at the end of the line, or where a comment begins.
  bool skip_blanks() {
    while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
    return at_ < line_.size() && line_[at_] != '#';
  }

  Word read_word() {
    Word word;
    while (at_ < line_.size() && !is_blank(line_[at_])) {
      const char c = line_[at_++];
      if (c != '"' && c != '\'') {
        word.text += c;
        continue;
      }
      word.quoted = true;
      read_quoted(c, word.text);
    }
    return word;
  }

  void read_quoted(char quote, std::string& text) {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == quote) return;
      if (quote == '"' && c == '\\' && at_ < line_.size() && (line_[at_] == '"' || line_[at_] == '\\')) {
        text += line_[at_++];
      } else if (quote == '\'' && c == '%') {
        text += "%%";
      } else {
        text += c;
      }
    }
    throw ScriptError(number_, fmt::format("a quote ({}) is not closed", quote));
  }

  std::string_view line_;
  int number_;
  std::size_t at_ = 0;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool equals(const Word& word, std::string_view keyword) {
  return !word.quoted && lower(word.text) == keyword;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(separator, from), text.size());
    if (to > from) parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

// One form, taken apart.
struct Form {
  explicit Form(const ScriptForm& form) : verb(form.verb), text(form.text) {
    const std::size_t bracket = text.find('[');
    for (const std::string_view part : split(text.substr(0, bracket), ' ')) {
      const bool is_literal = std::islower(static_cast<unsigned char>(part.front())) != 0 &&
                              part.find('|') == std::string_view::npos && needed.empty();
      (is_literal ? name : needed).push_back(part);
    }
    for (std::size_t at = bracket; at != std::string_view::npos; at = text.find('[', at + 1)) {
      const std::string_view inside = text.substr(at + 1, text.find(']', at) - at - 1);
      optional.push_back(split(inside, ' '));
    }
  }

  Verb verb;
  std::string_view text;
  std::vector<std::string_view> name;
  std::vector<std::string_view> needed;
  std::vector<std::vector<std::string_view>> optional;  // a keyword, and perhaps its value

  // How many words of the name the line begins with.
  [[nodiscard]] std::size_t matched(const Words& words) const {
    std::size_t count = 0;
    while (count < name.size() && count < words.size() && equals(words[count], name[count])) ++count;
    return count;
  }
};

// A word for a part of a form; nothing if it is none of the choices.
std::optional<std::string> value_for(const Word& word, std::string_view part) {
  if (part.find('|') == std::string_view::npos) return word.text;
  for (const std::string_view choice : split(part, '|')) {
    if (equals(word, choice)) return std::string(choice);
  }
  return std::nullopt;
}

class Matcher {
 public:
  Matcher(const Form& form, const Words& words) : form_(form), words_(words), at_(form.name.size()) {}

  // Nothing if the words do not fit.
  std::optional<ScriptCommand> match(int line) {
    ScriptCommand command{form_.verb, line, fmt::format("{}", fmt::join(form_.name, " ")), {}, {}};
    for (const std::string_view part : form_.needed) {
      const bool many = part.ends_with("...");
      // A list takes all that is left; forms with one have no options.
      do {
        if (!many && !take_options(command)) return std::nullopt;
        if (at_ == words_.size()) return std::nullopt;
        const auto value = value_for(words_[at_++], part);
        if (!value) return std::nullopt;
        command.arguments.push_back(*value);
      } while (many && at_ < words_.size());
    }
    if (!take_options(command) || at_ != words_.size()) return std::nullopt;
    return command;
  }

 private:
  bool take_options(ScriptCommand& command) {
    while (at_ < words_.size()) {
      const auto option = std::find_if(form_.optional.begin(), form_.optional.end(),
                                       [&](const auto& parts) { return equals(words_[at_], parts.front()); });
      if (option == form_.optional.end()) return true;
      const std::string key(option->front());
      if (command.options.contains(key)) return false;
      ++at_;
      std::string value;
      if (option->size() == 2) {
        if (at_ == words_.size()) return false;
        const auto given = value_for(words_[at_++], option->back());
        if (!given) return false;
        value = *given;
      }
      command.options[key] = value;
    }
    return true;
  }

  const Form& form_;
  const Words& words_;
  std::size_t at_;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms(kScriptForms.begin(), kScriptForms.end());
  return kForms;
}

ScriptCommand parse_words(const Words& words, int line) {
  std::size_t longest = 0;
  std::string usage;
  for (const Form& form : forms()) {
    const std::size_t matched = form.matched(words);
    if (matched == form.name.size()) {
      if (auto command = Matcher(form, words).match(line)) return *std::move(command);
    }
    if (matched == 0 || matched < longest) continue;
    if (matched > longest) usage.clear();
    longest = matched;
    usage += (usage.empty() ? "" : ", or: ") + std::string(form.text);
  }
  if (longest == 0) throw ScriptError(line, fmt::format("unknown command \"{}\"", words.front().text));
  throw ScriptError(line, "expected: " + usage);
}

}  // namespace

std::vector<ScriptCommand> parse_script(std::string_view text) {
  if (text.size() > kMaxScriptSize) throw ScriptError(0, "the script is larger than 1 MiB");
  std::vector<ScriptCommand> commands;
  int number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string_view line = text.substr(from, to - from);
    from = to + 1;
    ++number;
    if (line.size() > kMaxScriptLine)
      throw ScriptError(number, fmt::format("the line is longer than {} bytes", kMaxScriptLine));
    if (line.find('\0') != std::string_view::npos) throw ScriptError(number, "a NUL byte is in the line");
    const Words words = LineReader(line, number).read();
    if (!words.empty()) commands.push_back(parse_words(words, number));
  }
  return commands;
}

std::vector<std::string> script_usage() {
  std::vector<std::string> lines;
  for (const ScriptForm& form : kScriptForms) lines.emplace_back(form.text);
  return lines;
}

std::string expand_variables(const std::string& word, const std::map<std::string, std::string>& variables) {
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    if (word[at] != '%') {
      result += word[at++];
      continue;
    }
    const std::size_t end = word.find('%', at + 1);
    if (end == std::string::npos) throw std::out_of_range(word.substr(at));
    if (end == at + 1) {
      result += '%';
    } else {
      const std::string name = word.substr(at + 1, end - at - 1);
      const auto found = variables.find(name);
      if (found == variables.end()) throw std::out_of_range(name);
      result += found->second;
    }
    at = end + 1;
  }
  return result;
}

}  // namespace vss::cli
