"""The messages of schema.proto, in a pool of their own. Written by `make schema`: edit schema.proto instead."""

from google.protobuf import descriptor_pool, message_factory

_POOL = descriptor_pool.DescriptorPool()
DESCRIPTOR = _POOL.AddSerializedFile(
    b'\n$tinkex_py/wire/protobuf/schema.proto\x12\x0etinkex_py.wire"\x9d\x04\n\x16ForwardBackwardRequest\x12\x19\n\x08model_id\x18\x01 \x01(\tR'
    b'\x07modelId\x12\x15\n\x06seq_id\x18\x02 \x01(\x05R\x05seqId\x12)\n\x04data\x18\x03 \x03(\x0b2\x15.tinkex_py.wire.DatumR\x04data\x12\x17\n\x07loss_fn\x18\x04 \x01(\tR\x06lossFn\x12'
    b'^\n\x0eloss_fn_config\x18\x05 \x03(\x0b28.tinkex_py.wire.ForwardBackwardRequest.LossFnConfigEntryR\x0clossFnConfig\x12!\n\x0cf'
    b'orward_only\x18\x06 \x01(\x08R\x0bforwardOnly\x12e\n\x11loss_fn_config_v2\x18\x07 \x03(\x0b2:.tinkex_py.wire.ForwardBackwardRequest.Lo'
    b'ssFnConfigV2EntryR\x0elossFnConfigV2\x1a?\n\x11LossFnConfigEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\x01R\x05value:\x028\x01\x1ab'
    b'\n\x13LossFnConfigV2Entry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x125\n\x05value\x18\x02 \x01(\x0b2\x1f.tinkex_py.wire.LossConfigValueR\x05value:\x028\x01"J'
    b'\n\x0fLossConfigValue\x12\x18\n\x06number\x18\x01 \x01(\x01H\x00R\x06number\x12\x14\n\x04text\x18\x02 \x01(\tH\x00R\x04textB\x07\n\x05value"\x82\x03\n\x05Datum\x126\n\x0bmodel_input\x18'
    b"\x01 \x03(\x0b2\x15.tinkex_py.wire.ChunkR\nmodelInput\x12M\n\x0eloss_fn_inputs\x18\x02 \x03(\x0b2'.tinkex_py.wire.Datum.LossFnInputs"
    b'EntryR\x0clossFnInputs\x12J\n\x11model_input_spans\x18\x03 \x03(\x0b2\x1e.tinkex_py.wire.ProvenanceSpanR\x0fmodelInputSpans\x12M\n\x13l'
    b'oss_fn_input_spans\x18\x04 \x03(\x0b2\x1e.tinkex_py.wire.ProvenanceSpanR\x10lossFnInputSpans\x1aW\n\x11LossFnInputsEntry\x12\x10\n\x03k'
    b'ey\x18\x01 \x01(\tR\x03key\x12,\n\x05value\x18\x02 \x01(\x0b2\x16.tinkex_py.wire.TensorR\x05value:\x028\x01"\x94\x01\n\x0eProvenanceSpan\x12;\n\rprompt_tokens\x18'
    b'\x01 \x01(\x0b2\x14.tinkex_py.wire.SpanH\x00R\x0cpromptTokens\x12=\n\x0esampled_tokens\x18\x02 \x01(\x0b2\x14.tinkex_py.wire.SpanH\x00R\rsampled'
    b'TokensB\x06\n\x04span"W\n\x04Span\x12\x1f\n\x0bsequence_id\x18\x01 \x01(\tR\nsequenceId\x12\x16\n\x06offset\x18\x02 \x01(\x03R\x06offset\x12\x16\n\x06length\x18\x03 \x01(\x03R\x06len'
    b'gth"\xbc\x01\n\x05Chunk\x12E\n\x0cencoded_text\x18\x01 \x01(\x0b2 .tinkex_py.wire.EncodedTextChunkH\x00R\x0bencodedText\x122\n\x05image\x18\x02 \x01(\x0b2'
    b'\x1a.tinkex_py.wire.ImageChunkH\x00R\x05image\x12/\n\x04dmel\x18\x03 \x01(\x0b2\x19.tinkex_py.wire.DmelChunkH\x00R\x04dmelB\x07\n\x05chunk"*\n\x10En'
    b'codedTextChunk\x12\x16\n\x06tokens\x18\x01 \x01(\x0cR\x06tokens"z\n\nImageChunk\x12\x12\n\x04data\x18\x01 \x01(\x0cR\x04data\x12\x16\n\x06format\x18\x02 \x01(\tR\x06format\x12,\n\x0f'
    b'expected_tokens\x18\x03 \x01(\x05H\x00R\x0eexpectedTokens\x88\x01\x01B\x12\n\x10_expected_tokens"\x1f\n\tDmelChunk\x12\x12\n\x04dmel\x18\x01 \x01(\x0cR\x04dmel"\xab\x01\n\x06'
    b'Tensor\x12\x16\n\x05dense\x18\x01 \x01(\x0cH\x00R\x05dense\x12:\n\nsparse_csr\x18\x02 \x01(\x0b2\x19.tinkex_py.wire.SparseCsrH\x00R\tsparseCsr\x12+\n\x05dtype\x18'
    b'\x03 \x01(\x0e2\x15.tinkex_py.wire.DTypeR\x05dtype\x12\x14\n\x05shape\x18\x04 \x03(\x03R\x05shapeB\n\n\x08encoding"g\n\tSparseCsr\x12\x16\n\x06values\x18\x01 \x01(\x0cR\x06'
    b'values\x12!\n\x0ccrow_indices\x18\x02 \x01(\x0cR\x0bcrowIndices\x12\x1f\n\x0bcol_indices\x18\x03 \x01(\x0cR\ncolIndices"\x95\x02\n\x15ForwardBackwardOutput'
    b'\x12-\n\x13loss_fn_output_type\x18\x01 \x01(\tR\x10lossFnOutputType\x12C\n\x0floss_fn_outputs\x18\x02 \x03(\x0b2\x1b.tinkex_py.wire.ArrayRecor'
    b'dR\rlossFnOutputs\x12L\n\x07metrics\x18\x03 \x03(\x0b22.tinkex_py.wire.ForwardBackwardOutput.MetricsEntryR\x07metrics\x1a:\n\x0cMe'
    b'tricsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\x01R\x05value:\x028\x01"\xe2\x01\n\x0bArrayRecord\x12\x19\n\x08type_tag\x18\x01 \x01(\tR\x07typeTag\x12?\n'
    b"\x06fields\x18\x02 \x03(\x0b2'.tinkex_py.wire.ArrayRecord.FieldsEntryR\x06fields\x12\x1d\n\nnum_datums\x18\x03 \x01(\x03R\tnumDatums\x1aX\n\x0bFie"
    b'ldsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x123\n\x05value\x18\x02 \x01(\x0b2\x1d.tinkex_py.wire.BatchedTensorR\x05value:\x028\x01"\x91\x01\n\rBatchedTenso'
    b'r\x12\x12\n\x04data\x18\x01 \x01(\x0cR\x04data\x12\x18\n\x07offsets\x18\x02 \x01(\x0cR\x07offsets\x12+\n\x05dtype\x18\x03 \x01(\x0e2\x15.tinkex_py.wire.DTypeR\x05dtype\x12%\n\x0etrai'
    b'ling_shape\x18\x04 \x03(\x03R\rtrailingShape"\x8c\x04\n\x0eSampleResponse\x12=\n\tsequences\x18\x01 \x03(\x0b2\x1f.tinkex_py.wire.SampledSequen'
    b'ceR\tsequences\x12,\n\x0fprompt_logprobs\x18\x02 \x01(\x0cH\x00R\x0epromptLogprobs\x88\x01\x01\x12S\n\x14topk_prompt_logprobs\x18\x03 \x01(\x0b2\x1c.tinkex_p'
    b'y.wire.TopkLogprobsH\x01R\x12topkPromptLogprobs\x88\x01\x01\x125\n\x17prompt_cache_hit_tokens\x18\x04 \x01(\x05R\x14promptCacheHitTokens\x12'
    b'Q\n\x16target_prompt_logprobs\x18\x05 \x01(\x0b2\x16.tinkex_py.wire.TensorH\x02R\x14targetPromptLogprobs\x88\x01\x01\x12P\n\x11prompt_alt_tok'
    b'ens\x18\x06 \x01(\x0b2\x1f.tinkex_py.wire.PromptAltTokensH\x03R\x0fpromptAltTokens\x88\x01\x01B\x12\n\x10_prompt_logprobsB\x17\n\x15_topk_prompt'
    b'_logprobsB\x19\n\x17_target_prompt_logprobsB\x14\n\x12_prompt_alt_tokens"\x85\x02\n\x0fSampledSequence\x12;\n\x0bstop_reason\x18\x01 \x01(\x0e2'
    b'\x1a.tinkex_py.wire.StopReasonR\nstopReason\x12\x16\n\x06tokens\x18\x02 \x01(\x0cR\x06tokens\x12\x1f\n\x08logprobs\x18\x03 \x01(\x0cH\x00R\x08logprobs\x88\x01\x01\x12U\n\x15'
    b'topk_sampled_logprobs\x18\x04 \x01(\x0b2\x1c.tinkex_py.wire.TopkLogprobsH\x01R\x13topkSampledLogprobs\x88\x01\x01B\x0b\n\t_logprobsB\x18\n\x16'
    b'_topk_sampled_logprobs"m\n\x0cTopkLogprobs\x12\x1b\n\ttoken_ids\x18\x01 \x01(\x0cR\x08tokenIds\x12\x1a\n\x08logprobs\x18\x02 \x01(\x0cR\x08logprobs\x12\x0c\n\x01k'
    b'\x18\x03 \x01(\rR\x01k\x12\x16\n\x06length\x18\x04 \x01(\rR\x06length"u\n\x0fPromptAltTokens\x12.\n\x06tokens\x18\x01 \x01(\x0b2\x16.tinkex_py.wire.TensorR\x06tokens'
    b'\x122\n\x08logprobs\x18\x02 \x01(\x0b2\x16.tinkex_py.wire.TensorR\x08logprobs*g\n\x05DType\x12\x15\n\x11DTYPE_UNSPECIFIED\x10\x00\x12\x11\n\rDTYPE_FLOAT3'
    b'2\x10\x01\x12\x0f\n\x0bDTYPE_INT64\x10\x02\x12\x0f\n\x0bDTYPE_INT32\x10\x03\x12\x12\n\x0eDTYPE_BFLOAT16\x10\x04*:\n\nStopReason\x12\x14\n\x10STOP_REASON_STOP\x10\x00\x12\x16\n\x12STO'
    b'P_REASON_LENGTH\x10\x01b\x06proto3'
)
DTYPE_UNSPECIFIED = 0
DTYPE_FLOAT32 = 1
DTYPE_INT64 = 2
DTYPE_INT32 = 3
DTYPE_BFLOAT16 = 4
STOP_REASON_STOP = 0
STOP_REASON_LENGTH = 1
ForwardBackwardRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ForwardBackwardRequest"])
LossConfigValue = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["LossConfigValue"])
Datum = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Datum"])
ProvenanceSpan = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ProvenanceSpan"])
Span = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Span"])
Chunk = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Chunk"])
EncodedTextChunk = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["EncodedTextChunk"])
ImageChunk = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ImageChunk"])
DmelChunk = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["DmelChunk"])
Tensor = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Tensor"])
SparseCsr = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["SparseCsr"])
ForwardBackwardOutput = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ForwardBackwardOutput"])
ArrayRecord = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ArrayRecord"])
BatchedTensor = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["BatchedTensor"])
SampleResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["SampleResponse"])
SampledSequence = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["SampledSequence"])
TopkLogprobs = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["TopkLogprobs"])
PromptAltTokens = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["PromptAltTokens"])
