package trust

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// headers returns minimal executables, by platform.
func headers() map[string][]byte {
	elfHeader := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	binary.LittleEndian.PutUint16(elfHeader[16:], uint16(elf.ET_EXEC))
	binary.LittleEndian.PutUint16(elfHeader[18:], uint16(elf.EM_AARCH64))
	elfHeader[20], elfHeader[52] = 1, 64 // the version, the size of the header
	machoHeader := make([]byte, 32)
	binary.LittleEndian.PutUint32(machoHeader, macho.Magic64)
	binary.LittleEndian.PutUint32(machoHeader[4:], uint32(macho.CpuArm64))
	binary.LittleEndian.PutUint32(machoHeader[12:], uint32(macho.TypeExec))
	peHeader := make([]byte, 256)
	copy(peHeader, "MZ")
	peHeader[0x3c] = 128 // where the header is
	copy(peHeader[128:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(peHeader[132:], pe.IMAGE_FILE_MACHINE_AMD64)
	return map[string][]byte{"linux/arm64": elfHeader, "darwin/arm64": machoHeader, "windows/amd64": peHeader}
}

func TestPlatformOf(t *testing.T) {
	for platform, header := range headers() {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, header, 0o600); err != nil {
			t.Fatal(err)
		}
		if exe, err := inspect(path); err != nil || exe.Platform != platform {
			t.Errorf("%s is recognized as %q, %v", platform, exe.Platform, err)
		}
	}
	if self, err := os.Executable(); err != nil {
		t.Error(err)
	} else if exe, err := inspect(self); err != nil || exe.Platform != Platform {
		t.Errorf("this program is recognized as %q, %v", exe.Platform, err)
	}
	for name, content := range map[string]string{"a script": "#!/bin/sh\n", "an empty file": "", "half a header": "\x7fELF\x02", "MZ": "MZ"} {
		if got := PlatformOf(bytes.NewReader([]byte(content))); got != "" {
			t.Errorf("%s is recognized as %q", name, got)
		}
	}
}
