package trust

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"io"
)

// PlatformOf returns the platform that an executable is built for; "" if it is unknown,
// such as for a script.
func PlatformOf(r io.ReaderAt) string {
	var magic [4]byte
	if n, _ := r.ReadAt(magic[:], 0); n < len(magic) {
		return ""
	}
	switch {
	case string(magic[:]) == elf.ELFMAG:
		return elfPlatform(r)
	case string(magic[:2]) == "MZ":
		return pePlatform(r)
	case bytes.Equal(magic[:], []byte{0xca, 0xfe, 0xba, 0xbe}):
		return fatPlatform(r)
	}
	switch binary.LittleEndian.Uint32(magic[:]) {
	case macho.Magic32, macho.Magic64:
		if f, err := macho.NewFile(r); err == nil {
			return "darwin/" + machoArch(f.Cpu)
		}
	}
	return ""
}

func elfPlatform(r io.ReaderAt) string {
	f, err := elf.NewFile(r)
	if err != nil {
		return ""
	}
	system := "linux" // most systems, also Linux, leave the field empty
	switch f.OSABI {
	case elf.ELFOSABI_FREEBSD:
		system = "freebsd"
	case elf.ELFOSABI_NETBSD:
		system = "netbsd"
	case elf.ELFOSABI_OPENBSD:
		system = "openbsd"
	}
	arch := map[elf.Machine]string{
		elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_ARM: "arm",
		elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x", elf.EM_PPC64: "ppc64le", elf.EM_LOONGARCH: "loong64",
	}[f.Machine]
	if arch == "" {
		arch = f.Machine.String()
	}
	return system + "/" + arch
}

func machoArch(c macho.Cpu) string {
	switch c {
	case macho.CpuAmd64:
		return "amd64"
	case macho.CpuArm64:
		return "arm64"
	}
	return c.String()
}

// fatPlatform returns the platform of a universal binary: that of this program if the
// file contains it, else the first.
func fatPlatform(r io.ReaderAt) string {
	f, err := macho.NewFatFile(r)
	if err != nil {
		return ""
	}
	out := ""
	for _, a := range f.Arches {
		if p := "darwin/" + machoArch(a.Cpu); out == "" || p == Platform {
			out = p
		}
	}
	return out
}

func pePlatform(r io.ReaderAt) string {
	f, err := pe.NewFile(r)
	if err != nil {
		return ""
	}
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "windows/amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "windows/arm64"
	case pe.IMAGE_FILE_MACHINE_I386:
		return "windows/386"
	}
	return "windows/unknown"
}
