// Embeds the texts given on the command line and prints how similar each is to the first.
#include <vecton/vecton.h>

#include <iostream>
#include <numeric>

int main(int argc, char** argv) try {
  if (argc < 3) throw std::runtime_error("usage: embed MODEL TEXT...");
  vecton::EngineOptions options;
  options.model = argv[1];
  const auto engine = vecton::Engine::open(options);
  const std::vector<std::string> texts(argv + 2, argv + argc);
  const auto vectors = engine->embed(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::cout << std::inner_product(vectors[0].begin(), vectors[0].end(), vectors[i].begin(), 0.0f)
              << "  " << texts[i] << "\n";
  }
} catch (const std::exception& e) {
  std::cerr << "embed: " << e.what() << "\n";
  return 1;
}
