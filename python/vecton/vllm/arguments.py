"""vLLM's engine arguments by what becomes of them here."""
from __future__ import annotations

from typing import Any

# Taken as engine options, some under another name.
HONOURED: dict[str, Any] = {
    "runner": "auto", "convert": "auto", "tokenizer": None, "tokenizer_mode": "auto", "skip_tokenizer_init": False,
    "trust_remote_code": False, "dtype": "auto", "quantization": None, "revision": None, "tokenizer_revision": None,
    "chat_template": None, "seed": 0, "hf_token": None, "hf_overrides": None, "pooler_config": None, "max_model_len": None,
    "max_num_batched_tokens": None, "enable_prefix_caching": None, "kv_cache_memory_bytes": None, "download_dir": None,
    "served_model_name": None, "load_format": "auto", "max_num_seqs": None, "generation_config": "auto",
    "override_generation_config": None, "max_logprobs": 20, "speculative_config": None, "kv_cache_dtype": "auto",
    "limit_mm_per_prompt": None, "structured_outputs_config": None,
    "allowed_local_media_path": "", "allowed_media_domains": None, "media_io_kwargs": None, "mm_processor_kwargs": None,
}
# Of GPUs, several machines, schedules, caches, downloads and logs, which change no result: taken, and said once to have no effect.
NO_EFFECT = tuple("""
    gpu_memory_utilization enforce_eager disable_custom_all_reduce compilation_config attention_config attention_backend kernel_config
    cudagraph_capture_sizes max_cudagraph_capture_size max_seq_len_to_capture ir_op_priority moe_backend linear_backend
    sparse_indexer_topk_backend all2all_backend gdn_prefill_backend kda_prefill_backend kda_decode_backend mamba_backend
    mamba_ssu_algorithm enable_flashinfer_autotune monokernel optimization_level performance_mode use_fp64_gumbel device model_impl

    tensor_parallel_size pipeline_parallel_size prefill_context_parallel_size decode_context_parallel_size dcp_comm_backend
    dcp_q_replicate dcp_kv_cache_interleave_size cp_kv_cache_interleave_size master_addr master_port nnodes node_rank
    distributed_executor_backend distributed_timeout_seconds cpu_distributed_timeout_seconds device_ids numa_bind numa_bind_nodes
    numa_bind_cpus data_parallel_rank data_parallel_start_rank data_parallel_size_local data_parallel_address data_parallel_rpc_port
    data_parallel_hybrid_lb data_parallel_external_lb data_parallel_multi_port_external_lb data_parallel_backend enable_hc_sp
    enable_expert_parallel enable_batch_sharded_sampling enable_ep_weight_filter enable_elastic_ep elastic_ep_max_dp_size enable_dbo
    ubatch_size dbo_decode_token_threshold dp_sync_interval dbo_prefill_token_threshold disable_nccl_for_dp_synchronization eplb_config
    enable_eplb expert_placement_strategy _api_process_count _api_process_rank max_parallel_loading_workers ray_workers_use_nsight
    enable_nccl_comm_suspend enable_shm_tensor_arena fault_tolerance_config enable_fault_tolerance shutdown_timeout watchdog_config
    weight_transfer_config fail_on_environ_validation

    renderer_num_workers async_scheduling scheduling_policy scheduler_cls enable_chunked_prefill max_num_scheduled_tokens
    long_prefill_token_threshold long_prefill_token_threshold_adaptive max_num_active_seqs max_num_queued_reqs max_num_queued_tokens
    disable_chunked_mm_input scheduler_reserve_full_isl prefill_schedule_interval watermark stream_interval

    block_size swap_space cpu_offload_gb cpu_offload_params offload_backend offload_group_size offload_num_in_group
    offload_prefetch_step offload_params num_gpu_blocks_override prefix_caching_hash_algo prefix_cache_retention_interval
    prefix_match_unit disable_cascade_attn disable_hybrid_kv_cache_manager kv_sharing_fast_prefill swa_bounded_replay
    kv_offloading_size kv_offloading_backend mamba_block_size mamba_cache_mode enable_mamba_shared_prefix_checkpoint
    replayssm_buffer_len use_replayssm mamba_config mamba_cache_philox_rounds disable_sliding_window
    mm_processor_cache_gb mm_processor_cache_type mm_hasher_algorithm mm_shm_cache_max_object_size_mb mm_encoder_tp_mode
    mm_encoder_attn_backend mm_encoder_fp8_scale_save_margin skip_mm_profiling video_pruning_rate video_pruning_method mm_tensor_ipc mm_processor_device
    mm_ipc_gpu_memory_gb mm_device_do_normalize enable_mm_processor_stats
    max_loras max_lora_rank fully_sharded_loras max_cpu_loras lora_dtype lora_target_modules enable_tower_connector_lora
    specialize_active_lora enable_mixed_moe_lora_format enable_moe_shared_loras max_lora_cls_labels

    use_tqdm_on_load config_format code_revision safetensors_load_strategy safetensors_prefetch_num_threads
    safetensors_prefetch_block_size model_loader_extra_config ignore_patterns pt_load_map_location allow_deprecated_quantization
    reasoning_parser reasoning_config additional_config engram_config ec_manager_config

    disable_log_stats disable_log_requests aggregate_engine_logging profiler_config logging_config log_level log_config_file
    show_hidden_metrics_for_version otlp_traces_endpoint collect_detailed_traces per_request_spec_decode_metrics kv_cache_metrics
    kv_cache_metrics_sample custom_histogram_buckets cudagraph_metrics enable_layerwise_nvtx_tracing enable_mfu_metrics
    enable_logging_iteration_details jit_monitor_mode jit_monitor_verbose kv_events_config enable_trace_replay aux_output_config

    enable_sleep_mode sleep_mode_backend sleep_mode_offload_cudagraph sleep_preserve_parameter_names enable_cumem_allocator
""".split())
# What would change results, or give others: refused unless it has vLLM's default.
REFUSED: dict[str, Any] = {
    "enable_lora": False, "default_mm_loras": None, "enable_prompt_embeds": False, "spec_method": None, "spec_model": None,
    "spec_tokens": None, "kv_transfer_config": None, "ec_transfer_config": None, "worker_cls": "auto", "worker_extension_cls": "",
    "data_parallel_size": 1, "logits_processors": None, "quantization_config": None, "model_weights": "", "model_class_overrides": None,
    "hf_config_path": None, "io_processor_plugin": None, "reasoning_parser_plugin": None, "logprobs_mode": "raw_logprobs",
    "watermark_config": None, "diffusion_config": None, "tokens_only": False, "language_model_only": False, "enable_mm_embeds": False,
    "interleave_mm_strings": False, "mm_encoder_only": False, "mm_encoder_attn_dtype": None, "mm_encoder_fp8_scale_path": None,
    "mm_encoder_fp8_scale_save_path": None,
    "kv_cache_dtype_skip_layers": None, "mamba_cache_dtype": "auto", "mamba_ssm_cache_dtype": "auto",
    "enable_mamba_cache_stochastic_rounding": False, "enable_return_routed_experts": False,
    "return_sampling_mask": False,
}
