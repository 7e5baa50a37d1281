// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The commands of a script, each as it is written: words in lower case stand for themselves, "a|b" is a
// choice, words in capitals are arguments, "NAME..." one or more of them; in brackets is what may be left
// out, in any place and order after the name of the command.

#include <array>
#include <string_view>

#include "daemon/cli/script_parser.hpp"

namespace vss::cli {

struct ScriptForm {
  Verb verb;
  std::string_view text;
};

inline constexpr std::array kScriptForms = {
    ScriptForm{
        Verb::SetContext,
        "set context volatile|persistent|clientaccessible|backup|file-share-backup|nas-rollback|app-rollback|"
        "client-accessible|client-accessible-writers [nowriters]"},
    ScriptForm{Verb::SetPolicy, "set option strict|lenient"},
    ScriptForm{Verb::SetRequire, "set option require cut|per-volume"},
    ScriptForm{Verb::SetLockTimeout, "set option lock-timeout SECONDS"},
    ScriptForm{Verb::SetPartialFiles, "set option partial-files on|off"},
    ScriptForm{Verb::SetBootable, "set option bootable on|off"},
    ScriptForm{Verb::Unsupported, "set option differential|plex|transportable|rollbackrecover|txfrecover"},
    ScriptForm{Verb::SetNoAutoRecovery, "set option noautorecover"},
    ScriptForm{Verb::SetMetadata, "set metadata FILE"},
    ScriptForm{Verb::SetVerbose, "set verbose on|off"},
    ScriptForm{Verb::SetSucceeded, "set succeeded COMPONENT yes|no"},
    ScriptForm{Verb::LoadMetadata, "load metadata FILE"},
    ScriptForm{Verb::SaveMetadata, "save metadata FILE"},
    ScriptForm{Verb::WriterVerify, "writer verify NAME"},
    ScriptForm{Verb::WriterExclude, "writer exclude NAME"},
    ScriptForm{Verb::EnableClasses, "writer enable classes CLASS..."},
    ScriptForm{Verb::DisableClasses, "writer disable classes CLASS..."},
    ScriptForm{Verb::DisableInstances, "writer disable instances INSTANCE..."},
    ScriptForm{Verb::ResetWriter, "writer reset INSTANCE"},
    ScriptForm{Verb::AddVolume, "add volume PATH [provider NAME] [alias NAME]"},
    ScriptForm{Verb::AddComponent, "add component COMPONENT [options TEXT] [stamp STAMP]"},
    ScriptForm{Verb::AddAlias, "add alias NAME VALUE"},
    ScriptForm{Verb::BeginBackup, "begin backup [type full|incremental|differential|log|copy|other]"},
    ScriptForm{Verb::Create, "create"},
    ScriptForm{Verb::Exec, "exec PROGRAM..."},
    ScriptForm{Verb::EndBackup, "end backup"},
    ScriptForm{Verb::AbortBackup, "abort backup"},
    ScriptForm{Verb::RestoreType, "restore type undefined|by-copy|import|other"},
    ScriptForm{Verb::RestoreSelect, "restore select NAME [into INSTANCE]"},
    ScriptForm{Verb::RestoreExclude, "restore exclude NAME"},
    ScriptForm{Verb::RestoreOptions, "restore options COMPONENT TEXT"},
    ScriptForm{Verb::RestoreAdditional, "restore additional COMPONENT"},
    ScriptForm{Verb::RestoreAuthoritative, "restore authoritative COMPONENT"},
    ScriptForm{Verb::RestoreName, "restore name COMPONENT NAME"},
    ScriptForm{Verb::RestoreRollForward, "restore roll-forward COMPONENT none|all|partial [point TEXT]"},
    ScriptForm{Verb::RestoreTarget, "restore target FROM TO"},
    ScriptForm{Verb::BeginRestore, "begin restore"},
    ScriptForm{Verb::RestoreStatus, "restore status COMPONENT none|all|failed"},
    ScriptForm{Verb::RestoreLocation, "restore location COMPONENT PATH SPEC DESTINATION [recursive]"},
    ScriptForm{Verb::RestoreRanges, "restore ranges COMPONENT NUMBER PATH"},
    ScriptForm{Verb::EndRestore, "end restore"},
    ScriptForm{Verb::SimulateRestore, "simulate restore"},
    ScriptForm{Verb::ListWriters, "list writers [metadata] [detailed] [status]"},
    ScriptForm{Verb::List, "list providers|volumes|storage|status|aliases"},
    ScriptForm{Verb::ListFailures, "list failures [writer INSTANCE]"},
    ScriptForm{Verb::ListShadows, "list shadows all"},
    ScriptForm{Verb::ListShadowsBy, "list shadows set|id|volume|provider|context VALUE"},
    ScriptForm{Verb::ShowSession, "show session"},
    ScriptForm{Verb::ShowSnapshot, "show snapshot ID"},
    ScriptForm{Verb::ShowComponents, "show components WRITER"},
    ScriptForm{Verb::ShowVolume, "show volume PATH [provider NAME]"},
    ScriptForm{Verb::ShowRevert, "show revert PATH"},
    ScriptForm{Verb::DeleteAllShadows, "delete shadows all [force]"},
    ScriptForm{Verb::DeleteShadows, "delete shadows set|id|volume|oldest|exposed VALUE [force]"},
    ScriptForm{Verb::DeleteOwnShadows, "delete own set|id ID [force]"},
    ScriptForm{Verb::Expose, "expose ID PATH"},
    ScriptForm{Verb::Unexpose, "unexpose ID"},
    ScriptForm{Verb::Break, "break SET [writable]"},
    ScriptForm{Verb::Revert, "revert ID [force]"},
    ScriptForm{Verb::ResizeStorage, "resize storage TARGET SIZE"},
    ScriptForm{Verb::CollectGarbage, "gc"},
    ScriptForm{Verb::Unsupported, "import"},
    ScriptForm{Verb::Unsupported, "mask SET"},
    ScriptForm{Verb::Reset, "reset"},
    ScriptForm{Verb::Exit, "exit"},
};

}  // namespace vss::cli
