// Normal forms, categories and lower case beside those of Python's unicodedata (14.0.0), over
// characters of many scripts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/unicode.h"

namespace vecton::unicode {
namespace {

std::string form_of(const std::string& text, Form form) {
  std::string out;
  for (const Change& change : normalize(text, form)) append(out, change.c);
  return out;
}

struct Forms {
  const char *text, *nfc, *nfd, *nfkc, *nfkd;
};

const std::vector<Forms>& forms() {
  static const std::vector<Forms> all = {
      {"e\u0301", "\u00e9", "e\u0301", "\u00e9", "e\u0301"},
      {"\u00e9", "\u00e9", "e\u0301", "\u00e9", "e\u0301"},
      {"\u1e9b\u0323", "\u1e9b\u0323", "\u017f\u0323\u0307", "\u1e69", "s\u0323\u0307"},
      {"\ufb01", "\ufb01", "\ufb01", "fi", "fi"},
      {"\u212b", "\u00c5", "A\u030a", "\u00c5", "A\u030a"},
      {"\u2460", "\u2460", "\u2460", "1", "1"},
      {"\uac00\u11a8", "\uac01", "\u1100\u1161\u11a8", "\uac01", "\u1100\u1161\u11a8"},
      {"\u1100\u1161\u11a8", "\uac01", "\u1100\u1161\u11a8", "\uac01", "\u1100\u1161\u11a8"},
      {"\u0958", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c"},
      {"\u0344", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301"},
      {"\u03d3", "\u03d3", "\u03d2\u0301", "\u038e", "\u03a5\u0301"},
      {"\u2126", "\u03a9", "\u03a9", "\u03a9", "\u03a9"},
      {"\u3392", "\u3392", "\u3392", "MHz", "MHz"},
      {"\uff76\uff9e", "\uff76\uff9e", "\uff76\uff9e", "\u30ac", "\u30ab\u3099"},
      {"a\u0328\u0301", "\u0105\u0301", "a\u0328\u0301", "\u0105\u0301", "a\u0328\u0301"},
      {"a\u0301\u0328", "\u0105\u0301", "a\u0328\u0301", "\u0105\u0301", "a\u0328\u0301"},
      {"\u0f73", "\u0f71\u0f72", "\u0f71\u0f72", "\u0f71\u0f72", "\u0f71\u0f72"},
      {"\u2adc", "\u2add\u0338", "\u2add\u0338", "\u2add\u0338", "\u2add\u0338"},
      {"\u1d15e", "\u1d15e", "\u1d15e", "\u1d15e", "\u1d15e"},
      {"\u0385", "\u0385", "\u00a8\u0301", " \u0308\u0301", " \u0308\u0301"},
      {"\u1fef", "`", "`", "`", "`"},
      {"\u037e", ";", ";", ";", ";"},
      {"\u2000", "\u2002", "\u2002", " ", " "},
      {"\u00a0", "\u00a0", "\u00a0", " ", " "},
      {"\ufdfa", "\ufdfa", "\ufdfa",
       "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
       "\u0648\u0633\u0644\u0645",
       "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
       "\u0648\u0633\u0644\u0645"},
      {"\u0130", "\u0130", "I\u0307", "\u0130", "I\u0307"},
      {"\u1e0a\u0323", "\u1e0c\u0307", "D\u0323\u0307", "\u1e0c\u0307", "D\u0323\u0307"},
      {"\u05d0\u05bc\u05b7", "\u05d0\u05b7\u05bc", "\u05d0\u05b7\u05bc", "\u05d0\u05b7\u05bc",
       "\u05d0\u05b7\u05bc"},
      {"\ufb2e", "\u05d0\u05b7", "\u05d0\u05b7", "\u05d0\u05b7", "\u05d0\u05b7"},
      {"\u0c48", "\u0c48", "\u0c46\u0c56", "\u0c48", "\u0c46\u0c56"},
      {"\u0b94", "\u0b94", "\u0b92\u0bd7", "\u0b94", "\u0b92\u0bd7"},
      {"\u1026", "\u1026", "\u1025\u102e", "\u1026", "\u1025\u102e"},
      {"\u0dda", "\u0dda", "\u0dd9\u0dca", "\u0dda", "\u0dd9\u0dca"},
      {"\u30ac", "\u30ac", "\u30ab\u3099", "\u30ac", "\u30ab\u3099"},
      {"\u30ab\u3099", "\u30ac", "\u30ab\u3099", "\u30ac", "\u30ab\u3099"},
      {"\u64c4\uf9d0", "\u64c4\u985e", "\u64c4\u985e", "\u64c4\u985e", "\u64c4\u985e"},
      {"\U0001d400", "\U0001d400", "\U0001d400", "A", "A"},
      {"\U0002f800", "\u4e3d", "\u4e3d", "\u4e3d", "\u4e3d"},
      {"\u00bd", "\u00bd", "\u00bd", "1\u20442", "1\u20442"},
      {"\u017f", "\u017f", "\u017f", "s", "s"},
      {"\u1e9e", "\u1e9e", "\u1e9e", "\u1e9e", "\u1e9e"},
      {"\u0149", "\u0149", "\u0149", "\u02bcn", "\u02bcn"},
      {"\u01c4", "\u01c4", "\u01c4", "D\u017d", "DZ\u030c"},
      {"\u2167", "\u2167", "\u2167", "VIII", "VIII"},
      {"\u3300", "\u3300", "\u3300", "\u30a2\u30d1\u30fc\u30c8", "\u30a2\u30cf\u309a\u30fc\u30c8"},
      {"\u33a5", "\u33a5", "\u33a5", "m3", "m3"},
      {"\uffe3", "\uffe3", "\uffe3", " \u0304", " \u0304"},
      {"q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307"},
      {"\u0f71\u0f72\u0f74", "\u0f71\u0f72\u0f74", "\u0f71\u0f72\u0f74", "\u0f71\u0f72\u0f74",
       "\u0f71\u0f72\u0f74"},
      {"\u09c7\u09be", "\u09cb", "\u09c7\u09be", "\u09cb", "\u09c7\u09be"},
      {"\u0cca\u0cd5", "\u0ccb", "\u0cc6\u0cc2\u0cd5", "\u0ccb", "\u0cc6\u0cc2\u0cd5"},
  };
  return all;
}

TEST(UnicodeTable, NormalFormsArePythons) {
  for (const auto& [text, nfc, nfd, nfkc, nfkd] : forms()) {
    EXPECT_EQ(form_of(text, Form::kNfc), nfc) << text;
    EXPECT_EQ(form_of(text, Form::kNfd), nfd) << text;
    EXPECT_EQ(form_of(text, Form::kNfkc), nfkc) << text;
    EXPECT_EQ(form_of(text, Form::kNfkd), nfkd) << text;
  }
}

// UAX #15: what is normal stays, and the forms lead to one another.
TEST(UnicodeTable, NormalFormsAreStable) {
  std::string all;
  for (const Forms& row : forms()) {
    all += row.text;
    for (const char* text : {row.text, row.nfc, row.nfd, row.nfkc, row.nfkd}) {
      const std::string c = form_of(text, Form::kNfc), d = form_of(text, Form::kNfd),
                        kc = form_of(text, Form::kNfkc), kd = form_of(text, Form::kNfkd);
      EXPECT_EQ(form_of(c, Form::kNfc), c);
      EXPECT_EQ(form_of(c, Form::kNfd), d);
      EXPECT_EQ(form_of(d, Form::kNfc), c);
      EXPECT_EQ(form_of(kd, Form::kNfc), kc);
      EXPECT_EQ(form_of(kc, Form::kNfkd), kd);
      EXPECT_EQ(form_of(d, Form::kNfkd), kd);
    }
  }
  EXPECT_EQ(form_of(form_of(all, Form::kNfd), Form::kNfc), form_of(all, Form::kNfc));
}

// What stands for how many characters adds up to the text.
TEST(UnicodeTable, ChangesAccountForEveryCharacter) {
  for (const Forms& row : forms()) {
    for (const Form form : {Form::kNfc, Form::kNfd, Form::kNfkc, Form::kNfkd}) {
      int64_t stands_for = 0;
      for (const Change& change : normalize(row.text, form))
        stands_for += change.change > 0 ? 0 : 1 - change.change;
      EXPECT_EQ(stands_for, static_cast<int64_t>(utf8::count(row.text))) << row.text;
    }
  }
}

struct OfCategory {
  const char* name;
  std::vector<char32_t> characters;
};

TEST(UnicodeTable, CategoriesArePythons) {
  const OfCategory rows[] = {
      {"Cc", {0x0, 0x4, 0x5, 0x6, 0x9, 0x19, 0x1e, 0x85, 0x8d, 0x9f}},
      {"Cf",
       {0xad, 0x604, 0x200c, 0x1bca2, 0xe0027, 0xe0039, 0xe0043, 0xe0062, 0xe0066, 0xe0069,
        0xe007f}},
      {"Ll", {0x61, 0x15b, 0x469, 0x1d8b, 0x1e8b, 0x1f31, 0x2c97, 0x2ca3, 0x2d04, 0x2d18, 0x1e943}},
      {"Lm",
       {0x2b0, 0x7f5, 0x1d41, 0x1db0, 0x1dba, 0x2096, 0x309d, 0xa4fa, 0x16fe0, 0x1aff9, 0x1e94b}},
      {"Lo",
       {0xaa, 0x52df, 0x8028, 0xa3c3, 0xa4d1, 0xb863, 0x20228, 0x212ba, 0x30068, 0x30585, 0x3134a}},
      {"Lt", {0x1c5, 0x1f8d, 0x1f9d, 0x1f9e, 0x1faa, 0x1fae, 0x1faf, 0x1fcc, 0x1ffc}},
      {"Lu",
       {0x41, 0x4f2, 0x1cbe, 0x2124, 0x2c05, 0xa758, 0x10588, 0x1d5d4, 0x1d72b, 0x1e909, 0x1e921}},
      {"Mc",
       {0x903, 0xd4b, 0x106c, 0x109c, 0x1924, 0x1934, 0xa8b9, 0xa952, 0x16f6d, 0x16f75, 0x1d172}},
      {"Me", {0x488, 0x489, 0x1abe, 0x20de, 0x20df, 0x20e2, 0x20e4, 0xa671, 0xa672}},
      {"Mn",
       {0x300, 0x5a4, 0xa75, 0xafb, 0x1dee, 0x2dea, 0x11a06, 0x11a33, 0x11cb3, 0xe01a0, 0xe01ef}},
      {"Nd",
       {0x30, 0x1098, 0x1813, 0x1c52, 0xa9d8, 0xff14, 0x11456, 0x1d7cf, 0x1d7ee, 0x1e959, 0x1fbf9}},
      {"Nl",
       {0x16ee, 0x216c, 0x2176, 0xa6e9, 0x10146, 0x10151, 0x12438, 0x12446, 0x12459, 0x1246a,
        0x1246e}},
      {"No",
       {0xb2, 0x2466, 0x24ec, 0x3227, 0xa833, 0x1012e, 0x109f5, 0x11061, 0x118f1, 0x1f100,
        0x1f10c}},
      {"Pc", {0x5f, 0x203f, 0x2040, 0xfe33, 0xfe34, 0xfe4d, 0xfe4e, 0xfe4f, 0xff3f}},
      {"Pd", {0x2d, 0x5be, 0x1806, 0x2011, 0x2014, 0x2015, 0x2e3a, 0x30a0, 0xfe31, 0x10ead}},
      {"Pe", {0x29, 0x5d, 0x2773, 0x27e7, 0x2992, 0x29db, 0x2e29, 0x2e5c, 0x300b, 0x301e, 0xff63}},
      {"Pf", {0xbb, 0x2019, 0x201d, 0x203a, 0x2e05, 0x2e0a, 0x2e0d, 0x2e1d, 0x2e21}},
      {"Pi", {0xab, 0x2018, 0x201c, 0x201f, 0x2039, 0x2e02, 0x2e04, 0x2e09, 0x2e0c, 0x2e20}},
      {"Po",
       {0x21, 0x60c, 0x61f, 0x1362, 0x2e00, 0xa874, 0x115c1, 0x116b9, 0x11a9b, 0x16fe2, 0x1e95f}},
      {"Ps",
       {0x28, 0x27ec, 0x2989, 0x2997, 0x300c, 0x3016, 0xfe17, 0xfe35, 0xff5b, 0xff5f, 0xff62}},
      {"Sc", {0x24, 0xa3, 0xe3f, 0x17db, 0x20aa, 0x20ab, 0x20ac, 0x20b9, 0xffe0, 0xffe6, 0x1ecb0}},
      {"Sk", {0x5e, 0xb4, 0x2e5, 0x2e7, 0x2e8, 0x2ed, 0x2ef, 0x1fed, 0x1ffe, 0xab6a, 0x1f3ff}},
      {"Sm",
       {0x2b, 0x21fc, 0x2259, 0x22b5, 0x22d3, 0x23a2, 0x23ac, 0x2912, 0x2afd, 0x2b43, 0x1eef1}},
      {"So",
       {0xa6, 0x267d, 0x1d157, 0x1f32e, 0x1f352, 0x1f601, 0x1f609, 0x1f845, 0x1f98b, 0x1fb4b,
        0x1fbca}},
      {"Zl", {0x2028}},
      {"Zp", {0x2029}},
      {"Zs",
       {0x20, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2006, 0x2009, 0x205f, 0x3000}},
  };
  for (const auto& [name, characters] : rows) {
    for (const char32_t c : characters)
      EXPECT_STREQ(kCategoryNames[properties(c) & 31], name)
          << std::hex << static_cast<uint32_t>(c);
  }
}

TEST(UnicodeTable, LowerCaseIsPythons) {
  const std::pair<char32_t, char32_t> rows[] = {
      {0xc6, 0xe6},       {0xdb, 0xfb},       {0x132, 0x133},     {0x154, 0x155},
      {0x17d, 0x17e},     {0x19c, 0x26f},     {0x1b3, 0x1b4},     {0x1f2, 0x1f3},
      {0x202, 0x203},     {0x3a7, 0x3c7},     {0x3d8, 0x3d9},     {0x405, 0x455},
      {0x48a, 0x48b},     {0x49e, 0x49f},     {0x4b4, 0x4b5},     {0x516, 0x517},
      {0x53a, 0x56a},     {0x54d, 0x57d},     {0x555, 0x585},     {0x10a5, 0x2d05},
      {0x10ad, 0x2d0d},   {0x13cc, 0xab9c},   {0x13cd, 0xab9d},   {0x13e3, 0xabb3},
      {0x13e5, 0xabb5},   {0x1c95, 0x10d5},   {0x1e3e, 0x1e3f},   {0x1e7e, 0x1e7f},
      {0x1ea6, 0x1ea7},   {0x1f6a, 0x1f62},   {0x1f9d, 0x1f95},   {0x1fa9, 0x1fa1},
      {0x1fae, 0x1fa6},   {0x1fb8, 0x1fb0},   {0x1fea, 0x1f7a},   {0x24bb, 0x24d5},
      {0x2c13, 0x2c43},   {0x2c8e, 0x2c8f},   {0x2caa, 0x2cab},   {0x2cae, 0x2caf},
      {0xa648, 0xa649},   {0xa666, 0xa667},   {0xa784, 0xa785},   {0xa78d, 0x265},
      {0xff28, 0xff48},   {0x10402, 0x1042a}, {0x10405, 0x1042d}, {0x10413, 0x1043b},
      {0x104cf, 0x104f7}, {0x10588, 0x105af}, {0x1058d, 0x105b4}, {0x10c8b, 0x10ccb},
      {0x10c9c, 0x10cdc}, {0x10cab, 0x10ceb}, {0x118a7, 0x118c7}, {0x16e40, 0x16e60},
      {0x16e5a, 0x16e7a}, {0x16e5c, 0x16e7c}, {0x1e903, 0x1e925}, {0x1e920, 0x1e942},
  };
  for (const auto& [upper, lower] : rows) {
    char32_t second = 0;
    EXPECT_TRUE(has_lowercase(upper)) << std::hex << static_cast<uint32_t>(upper);
    EXPECT_EQ(to_lowercase(upper, second), lower) << std::hex << static_cast<uint32_t>(upper);
    EXPECT_EQ(second, 0u);
    EXPECT_EQ(to_lowercase(lower, second), lower);
  }
  char32_t second = 0;
  EXPECT_EQ(to_lowercase(0x130, second), U'i');
  EXPECT_EQ(second, 0x307u);
}

TEST(UnicodeTable, NothingIsAtTheEnds) {
  for (const char32_t c : {U'\0', char32_t{0xd7ff}, char32_t{0xe000}, char32_t{0x10ffff}}) {
    char32_t second = 0;
    EXPECT_EQ(to_lowercase(c, second), c);
    EXPECT_LT(properties(c) & 31, std::size(kCategoryNames));
  }
  for (const Form form : {Form::kNfc, Form::kNfd, Form::kNfkc, Form::kNfkd})
    EXPECT_EQ(form_of("", form), "");
}

}  // namespace
}  // namespace vecton::unicode
