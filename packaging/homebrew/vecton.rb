# Homebrew's formula. It builds a checkout: put it into a tap (brew tap-new local/vecton) and say where the repository is:
#   HOMEBREW_VECTON_REPOSITORY="file:///path/to/vecton" brew install --HEAD local/vecton/vecton
# tools/check_macos does so. docs/APPLE.md says what of it has been run.
class Vecton < Formula
  desc "Native inference engine for search models: embeddings, rerankers, generation"
  license "Apache-2.0"
  head ENV.fetch("HOMEBREW_VECTON_REPOSITORY", "file:///usr/local/src/vecton"), using: :git, branch: "main"

  depends_on "boost" => :build
  depends_on "cli11" => :build
  depends_on "cmake" => :build
  depends_on "highway" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "giflib"
  depends_on "jpeg-turbo"
  depends_on "libpng"
  depends_on macos: :sonoma
  depends_on "openssl@3"
  depends_on "pcre2"
  depends_on "webp"
  uses_from_macos "curl"
  uses_from_macos "zlib"
  on_arm do
    depends_on "mlx"
  end

  def install
    mlx = Hardware::CPU.arm? ? "ON" : "OFF"
    system "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DVECTON_STATIC=OFF", "-DVECTON_MLX=#{mlx}", *std_cmake_args
    system "cmake", "--build", "build", "--target", "vecton"
    bin.install "build/vecton"
  end

  test do
    assert_match "vecton", shell_output("#{bin}/vecton --version")
    assert_match "'nowhere'", shell_output("#{bin}/vecton info nowhere --offline 2>&1", 1)
  end
end
