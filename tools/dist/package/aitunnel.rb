class Aitunnel < Formula
  desc "Proxy for AI APIs that runs at home and serves your VPS"
  homepage "https://github.com/aitunnel/aitunnel"
  version "{{.Version}}"
  license "Apache-2.0"

  on_macos do
{{- with index .Archives "darwin_arm64"}}
    on_arm do
      url "{{$.URL}}/{{.Name}}"
      sha256 "{{.SHA256}}"
    end
{{- end}}
{{- with index .Archives "darwin_amd64"}}
    on_intel do
      url "{{$.URL}}/{{.Name}}"
      sha256 "{{.SHA256}}"
    end
{{- end}}
  end

  on_linux do
{{- with index .Archives "linux_arm64"}}
    on_arm do
      url "{{$.URL}}/{{.Name}}"
      sha256 "{{.SHA256}}"
    end
{{- end}}
{{- with index .Archives "linux_amd64"}}
    on_intel do
      url "{{$.URL}}/{{.Name}}"
      sha256 "{{.SHA256}}"
    end
{{- end}}
  end

  def install
    bin.install "aitunnel"
    man1.install Dir["docs/man/*.1"]
    bash_completion.install "completions/aitunnel.bash" => "aitunnel"
    zsh_completion.install "completions/_aitunnel"
    fish_completion.install "completions/aitunnel.fish"
    doc.install "README.md", "CHANGELOG.md", "config.hcl.example"
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/aitunnel --version").strip
    system bin/"aitunnel", "demo", "--once"
  end
end
