# A stand-in for Homebrew: evaluates a formula and installs it from the archives of a folder.
#   ruby homebrew.rb FORMULA FOLDER PREFIX
require "digest"
require "fileutils"
require "tmpdir"

formula, folder, PREFIX = ARGV
HOMEBREW_PREFIX = PREFIX

# Where a formula puts its files (https://rubydoc.brew.sh/Formula).
class Place < String
  def install(*names)
    FileUtils.mkdir_p(self)
    names.flatten.each { |name| FileUtils.cp_r(name, self) }
  end
end

class Formula
  class << self
    attr_reader :address, :digest

    def desc(text) = text.length <= 80 || abort("the description is longer than 80 characters")
    %i[homepage version license test].each { |name| define_method(name) { |*| nil } }
    def on_macos = nil
    def on_linux = yield
    def on_intel = (yield if RbConfig::CONFIG["host_cpu"] == "x86_64")
    def on_arm = (yield if RbConfig::CONFIG["host_cpu"] == "aarch64")
    def url(text) = @address = text
    def sha256(text) = @digest = text
  end

  { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d", zsh_completion: "share/zsh/site-functions",
    fish_completion: "share/fish/vendor_completions.d", doc: "share/doc/ssmguard" }.each do |name, path|
    define_method(name) { Place.new(File.join(PREFIX, path)) }
  end
  def opt_bin = bin
end

load formula
archive = File.join(folder, File.basename(Ssmguard.address))
Digest::SHA256.file(archive).hexdigest == Ssmguard.digest or abort "#{archive} has another digest"
Dir.mktmpdir do |dir|
  system("tar", "-C", dir, "-xzf", archive) or abort "tar failed"
  Dir.chdir(Dir.glob(File.join(dir, "*")).first) { Ssmguard.new.install } # Homebrew enters the one folder of an archive
end
Ssmguard.new.caveats.include?("ssmguard alias") or abort "no caveats"
